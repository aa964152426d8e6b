// Workspace: the memory of one computing thread, an arena that grows to what the largest call needs and is used again.
// Never shared by two threads at a time.
#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace paceline {

class Workspace {
 public:
  // Not initialized, aligned to 64 bytes, good until clear().
  template <class T>
  T* take(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignment);
    return reinterpret_cast<T*>(bytes(count * sizeof(T)));
  }
  // Takes back all that was taken. Memory stays, in one piece from now on.
  void clear();

 private:
  static constexpr std::size_t alignment = 64;
  struct Free {
    void operator()(std::byte* piece) const { ::operator delete[](piece, std::align_val_t(alignment)); }
  };
  struct Piece {
    std::unique_ptr<std::byte[], Free> memory;
    std::size_t size = 0;
  };

  std::byte* bytes(std::size_t count);
  void add_piece(std::size_t size);

  std::vector<Piece> pieces_;
  std::size_t used_ = 0;  // of the last piece
};

}  // namespace paceline
