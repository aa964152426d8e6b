#include "models/workspace.hpp"

#include <algorithm>

namespace paceline {

void Workspace::add_piece(std::size_t size) {
  Piece& piece = pieces_.emplace_back();
  piece.memory.reset(static_cast<std::byte*>(::operator new[](size, std::align_val_t(alignment))));
  piece.size = size;
  used_ = 0;
}

std::byte* Workspace::bytes(std::size_t count) {
  count = (count + alignment - 1) / alignment * alignment;
  if (pieces_.empty() || pieces_.back().size - used_ < count) add_piece(std::max<std::size_t>(count, 1 << 16));
  std::byte* taken = pieces_.back().memory.get() + used_;
  used_ += count;
  return taken;
}

void Workspace::clear() {
  used_ = 0;
  if (pieces_.size() < 2) return;
  std::size_t total = 0;
  for (const Piece& piece : pieces_) total += piece.size;
  pieces_.clear();
  add_piece(total);
}

}  // namespace paceline
