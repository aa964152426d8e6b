// The heap of the whole program is jemalloc's where CMake finds it and no sanitizer wants its own: what is of one size
// lies together, in huge pages, and memory once taken is kept. A run touches all it has in every step, out of order; a
// page that is not mapped, or not in the translation buffer, costs it more than the arithmetic it came for.

extern "C" {
extern const char* malloc_conf;  // jemalloc reads it when it starts (its manual, TUNING)
const char* malloc_conf = "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1";
}
