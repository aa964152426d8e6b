// Agenda: what happens when, in the order (time, order of scheduling).
//
// Events of one time form a run: a ring of slots, in order of scheduling. A binary heap orders the
// runs by the 128-bit key (time, number of the run), 16 bytes an entry, so that a thousand events at
// one time cost one entry. The run of the present instant is kept beside the heap: scheduling "now"
// appends to it.
//   - the run that a time was last appended to is found through 64 remembered times; a time that is
//     not remembered opens a further run, whose number is greater: the order holds either way
//   - the entry that was taken last leaves a hole at the root, which the next push fills: a process
//     that sleeps again costs one descent instead of a pop and a push
//   - a run is linked both ways and the place of its first slot in the heap is known: what is
//     cancelled is gone at once, and a time of which all was cancelled never comes; places are kept
//     apart, since moving an entry then dirties a dense line instead of an event's
// Nothing is allocated once the vectors have grown. Limits: 2^24 pending events, 2^40 runs.
#pragma once
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace paceline {

class Agenda {
 public:
  using Ticks = std::int64_t;
  using Ticket = std::uint32_t;  // 0: none; valid until the event fires or is cancelled
  using Call = void (*)(void* target, std::uint32_t what);

  // Resume a coroutine (call is null), or call a function with a target and a number.
  struct Event {
    void* target;
    Call call;
    std::uint32_t what;
    void fire() const {
      if (call) call(target, what);
      else std::coroutine_handle<>::from_address(target).resume();
    }
  };
  // Events are passed as scalars: built on the stack and copied in halves of 16 bytes they would
  // stall on store forwarding, which costs as much as the rest of an event.

  Ticks now() const { return now_; }
  std::size_t runs() const { return heap_.size() - hole_; }

  // Throws std::logic_error for a time that is past, std::length_error beyond the limits.
  Ticket schedule(Ticks at, void* target, Call call, std::uint32_t what, bool idle = false) {
    if (at < now_) past();
    if (!free_) add_slot();
    const Ticket slot = free_;
    Slot& event = slots_[slot];
    free_ = event.next;
    ++pending_;
    idle_ += idle;
    event.idle = idle;
    event.target = target;
    event.call = call;
    event.what = what;
    if (at == now_) {  // beside the heap
      event.next = 0;
      if (head_) slots_[tail_].next = slot;
      else head_ = slot;
      event.prev = tail_;
      tail_ = slot;
      return slot;
    }
    Remembered& last = remembered(at);
    if (last.at != at) {
      last.at = at;
      last.run = slot;
      open_run(at, slot);
      return slot;
    }
    Slot& first = slots_[last.run];  // one more in a run
    slots_[first.prev].next = slot;
    event.prev = first.prev;
    event.next = last.run;
    first.prev = slot;
    return slot;
  }

  // Whether what is scheduled, if anything, is idle: it alone makes nothing go on.
  bool only_idle() const { return pending_ == idle_; }

  // Takes back an event that has not fired. No ticket: nothing to do.
  void cancel(Ticket slot) {
    if (!slot) return;
    Slot& event = slots_[slot];
    if (place_[slot] != nowhere) cancel_first(slot);
    else if (slot == head_) head_ = event.next;
    else {
      slots_[event.prev].next = event.next;
      if (head_ && slot == tail_) tail_ = event.prev;
      else slots_[event.next].prev = event.prev;
    }
    free_slot(slot);
  }

  // The next event of this instant; false when there is none.
  bool next(Event& event) {
    const Ticket slot = head_;
    if (!slot) return false;
    Slot& taken = slots_[slot];
    event.target = taken.target;
    event.call = taken.call;
    event.what = taken.what;
    head_ = taken.next;
    free_slot(slot);
    return true;
  }

  // The time after now at which something is scheduled; false when there is none.
  bool peek(Ticks& at) {
    fill_hole();
    if (heap_.empty()) return false;
    at = heap_[0].at;
    return true;
  }

  // Goes on to that time. Requires peek(), and that this instant is done.
  void advance() {
    now_ = heap_[0].at;
    do {
      const Ticket run = Ticket(heap_[0].order & slot_mask);
      Slot& first = slots_[run];
      const Ticket last = first.prev;
      place_[run] = nowhere;
      first.prev = tail_;
      slots_[last].next = 0;
      if (head_) slots_[tail_].next = run;
      else head_ = run;
      tail_ = last;
      fill_hole();
      hole_ = true;
    } while (another_run_now());
  }

  // Lets time pass. Requires that nothing is scheduled up to that time, which is not past.
  void pass(Ticks until) { now_ = until; }

 private:
  static constexpr int slot_bits = 24;
  static constexpr std::uint64_t slot_mask = (1u << slot_bits) - 1;
  static constexpr std::uint32_t nowhere = ~0u;
  __extension__ using Key = unsigned __int128;

  static Key key(Ticks at, std::uint64_t order) { return Key(std::uint64_t(at)) << 64 | order; }
  struct Entry {
    Ticks at;
    std::uint64_t order;                                // number of the run, its first slot
    Key key() const { return Agenda::key(at, order); }  // compared by cmp, sbb: no branch
  };
  struct Slot {
    void* target = nullptr;
    Call call = nullptr;
    std::uint32_t what = 0;
    Ticket next = 0, prev = 0;  // a ring in the heap, a line in the present instant
    bool idle = false;
  };
  struct Remembered {
    Ticks at = -1;
    Ticket run = 0;
  };

  [[noreturn]] static void past() { throw std::logic_error("schedule: that time is past"); }
  [[noreturn]] static void full() {
    throw std::length_error("more than 2^24 events are pending, or 2^40 times have been used");
  }

  Remembered& remembered(Ticks at) { return remembered_[std::uint64_t(at) * 0x9e3779b97f4a7c15u >> 58]; }

  // Out of line, so that scheduling is short: what is rare, or costs more than a call.
  [[gnu::noinline]] void add_slot() {
    if (slots_.size() > slot_mask) full();
    slots_.emplace_back();
    place_.push_back(nowhere);
    free_ = Ticket(slots_.size() - 1);
  }
  [[gnu::noinline]] void open_run(Ticks at, Ticket slot) {
    slots_[slot].next = slots_[slot].prev = slot;
    if (next_run_ >> (64 - slot_bits)) full();
    const std::uint64_t order = next_run_++ << slot_bits | slot;
    if (hole_) {
      hole_ = false;
      sink(0, at, order);
    } else {
      heap_.emplace_back();
      rise(heap_.size() - 1, at, order);
    }
  }
  void free_slot(Ticket slot) {
    --pending_;
    idle_ -= slots_[slot].idle;
    slots_[slot].next = free_;
    free_ = slot;
  }

  // The first of a run: the second takes its place, or the run is taken out of the heap.
  void cancel_first(Ticket slot) {
    const Slot& event = slots_[slot];
    Remembered& last = remembered(heap_[place_[slot]].at);
    if (event.next == slot) {
      if (last.run == slot) last = {};
      fill_hole();
      remove(std::exchange(place_[slot], nowhere));
      return;
    }
    const std::uint32_t place = std::exchange(place_[slot], nowhere);
    Slot& second = slots_[event.next];
    second.prev = event.prev;
    slots_[event.prev].next = event.next;
    place_[event.next] = place;
    heap_[place].order = (heap_[place].order & ~slot_mask) | event.next;
    if (last.run == slot) last.run = event.next;
  }
  bool another_run_now() {
    const std::size_t n = heap_.size();  // the root is a hole: look at its children
    if (!((n > 1 && heap_[1].at == now_) || (n > 2 && heap_[2].at == now_))) return false;
    fill_hole();
    return true;
  }
  void put(std::size_t i, Ticks at, std::uint64_t order) {
    heap_[i].at = at;
    heap_[i].order = order;
    place_[order & slot_mask] = std::uint32_t(i);
  }
  void rise(std::size_t i, Ticks at, std::uint64_t order) {
    for (std::size_t up; i > 0; i = up) {
      up = (i - 1) / 2;
      if (!(key(at, order) < heap_[up].key())) break;
      put(i, heap_[up].at, heap_[up].order);
    }
    put(i, at, order);
  }
  void sink(std::size_t i, Ticks at, std::uint64_t order) {
    const std::size_t n = heap_.size();
    for (std::size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
      if (child + 1 < n) child += heap_[child + 1].key() < heap_[child].key();
      if (!(heap_[child].key() < key(at, order))) break;
      put(i, heap_[child].at, heap_[child].order);
      i = child;
    }
    put(i, at, order);
  }
  void remove(std::size_t i) {
    const Entry e = heap_.back();
    heap_.pop_back();
    if (i == heap_.size()) return;
    if (i > 0 && e.key() < heap_[(i - 1) / 2].key()) rise(i, e.at, e.order);
    else sink(i, e.at, e.order);
  }
  void fill_hole() {
    if (hole_) {
      hole_ = false;
      remove(0);
    }
  }

  std::vector<Entry> heap_;
  std::vector<Slot> slots_{1};                 // slot 0 is no slot
  std::vector<std::uint32_t> place_{nowhere};  // by slot: in the heap, of the first of a run
  std::size_t pending_ = 0, idle_ = 0;
  Remembered remembered_[64];
  Ticks now_ = 0;
  std::uint64_t next_run_ = 0;
  Ticket free_ = 0, head_ = 0, tail_ = 0;
  bool hole_ = false;
};

}  // namespace paceline
