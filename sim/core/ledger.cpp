#include "sim/core/ledger.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace paceline {

namespace {
thread_local Ledger* open = nullptr;
}

// In front of an array.
struct alignas(64) Ledger::Head {
  Ledger* ledger;  // null: not enrolled
  Head *before, *after;
  std::uint64_t ordinal;
  std::size_t bytes;
};

Ledger::~Ledger() {
  for (Head* head = first_; head; head = head->after) head->ledger = nullptr;
}

Ledger::Scope::Scope(Ledger& ledger) : before_(std::exchange(open, &ledger)) {}
Ledger::Scope::~Scope() { open = before_; }

void* Ledger::take(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX - sizeof(Head)) throw std::bad_alloc();
  void* const room = ::operator new(sizeof(Head) + bytes, std::align_val_t(alignof(Head)));
  Head* const head = new (room) Head{open, nullptr, nullptr, 0, bytes};
  if (open) {
    head->ordinal = open->taken_++;
    head->after = open->first_;
    if (head->after) head->after->before = head;
    open->first_ = head;
  }
  return head + 1;
}

void Ledger::give_back(void* first) {
  Head* const head = static_cast<Head*>(first) - 1;
  if (head->ledger) {
    if (head->after) head->after->before = head->before;
    (head->before ? head->before->after : head->ledger->first_) = head->after;
  }
  ::operator delete(head, std::align_val_t(alignof(Head)));
}

std::vector<Ledger::Array> Ledger::arrays() const {
  std::vector<Array> all;
  for (Head* head = first_; head; head = head->after)
    all.push_back({head->ordinal, {reinterpret_cast<std::byte*>(head + 1), head->bytes}});
  std::reverse(all.begin(), all.end());
  return all;
}

}  // namespace paceline
