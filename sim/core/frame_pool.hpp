// FramePool: coroutine frames from free lists, one list for each size in steps of 64 bytes.
//
// One pool a thread (thread_local): a cache of memory, which holds no state of a run. A frame may be
// given back in another thread than it was taken in. AddressSanitizer builds go without it, so that
// every frame is watched.
#pragma once
#include <array>
#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define PACELINE_FRAME_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PACELINE_FRAME_POOL 0
#endif
#endif
#ifndef PACELINE_FRAME_POOL
#define PACELINE_FRAME_POOL 1
#endif

namespace paceline {

class FramePool {
 public:
  static void* take(std::size_t size) {
    const std::size_t c = (size + 63) / 64;
    if (!PACELINE_FRAME_POOL || c >= lists) return ::operator new(size);
    Free*& list = mine().free_[c];
    if (!list) return ::operator new(c * 64);
    Free* const frame = list;
    list = frame->next;
    return frame;
  }
  static void give(void* frame, std::size_t size) noexcept {
    const std::size_t c = (size + 63) / 64;
    if (!PACELINE_FRAME_POOL || c >= lists) return ::operator delete(frame);
    Free*& list = mine().free_[c];
    list = new (frame) Free{list};
  }
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool() {
    for (Free* list : free_)
      while (list) {
        Free* const next = list->next;
        ::operator delete(list);
        list = next;
      }
  }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t lists = 33;  // frames up to 2 KiB
  static FramePool& mine() {
    thread_local FramePool pool;
    return pool;
  }
  std::array<Free*, lists> free_{};
};

}  // namespace paceline
