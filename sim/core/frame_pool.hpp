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
    fetch(list, c);
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
  // With many processes a free frame is out of the caches when its turn comes: the next one is on its way by then.
  static void fetch(const Free* frame, std::size_t lines) {
    const char* const at = reinterpret_cast<const char*>(frame);
    for (std::size_t line = 0; line < lines && line < 4; ++line) __builtin_prefetch(at + 64 * line, 1);
  }
  static constexpr std::size_t lists = 33;  // frames up to 2 KiB
  static FramePool& mine() {
    thread_local FramePool pool;
    return pool;
  }
  std::array<Free*, lists> free_{};
};

// For std::allocate_shared: what comes and goes with every step lies in the pool, too.
template <class T>
struct FrameAllocator {
  using value_type = T;
  FrameAllocator() = default;
  template <class Other>
  FrameAllocator(const FrameAllocator<Other>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(FramePool::take(n * sizeof(T))); }
  void deallocate(T* given, std::size_t n) noexcept { FramePool::give(given, n * sizeof(T)); }
  friend bool operator==(FrameAllocator, FrameAllocator) { return true; }
};

}  // namespace paceline
