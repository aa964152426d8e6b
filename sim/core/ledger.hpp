// Ledger: knows all arrays of numbers that a run keeps, so that they can be written to a file and be filled from it.
//
// An array is enrolled when its memory is taken while a Ledger::Scope of its thread is open, under the ordinal of that
// moment, and leaves when its memory goes. A run that does the same things once more, whatever the numbers, takes the
// same memory in the same order: so ordinals say which array is which.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace paceline {

class Ledger {
 public:
  Ledger() = default;
  ~Ledger();
  Ledger(const Ledger&) = delete;

  struct Array {
    std::uint64_t ordinal;
    std::span<std::byte> bytes;
  };
  std::vector<Array> arrays() const;  // in the order of their ordinals

  // While it lives, this thread's arrays are enrolled.
  class Scope {
   public:
    explicit Scope(Ledger& ledger);
    ~Scope();
    Scope(const Scope&) = delete;

   private:
    Ledger* before_;
  };

  // For the allocator.
  static void* take(std::size_t bytes);
  static void give_back(void* first);

 private:
  struct Head;
  Head* first_ = nullptr;
  std::uint64_t taken_ = 0;
};

// The allocator of such arrays.
template <class T>
struct Enrolled {
  using value_type = T;
  Enrolled() = default;
  template <class U>
  Enrolled(const Enrolled<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(Ledger::take(n * sizeof(T))); }
  void deallocate(T* first, std::size_t) { Ledger::give_back(first); }
  bool operator==(const Enrolled&) const = default;
};
// An array whose contents are part of the state of a run.
template <class T>
using Numbers = std::vector<T, Enrolled<T>>;

using Values = Numbers<float>;

}  // namespace paceline
