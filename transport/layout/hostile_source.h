// HostileSource: what a peer that is hostile at every moment would have written into a word that is
// just being loaded. Only builds with TOMBOLO_HOSTILE_LOADS ask it (`bazel build --config=fuzz`):
// tests of what may be read where. In all others Seen() is its argument, and nothing is left here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo {

#ifdef TOMBOLO_HOSTILE_LOADS

class HostileSource {
 public:
  virtual ~HostileSource() = default;

  // What the load of a word of `size_bytes` gives that holds `truth`.
  virtual uint64_t Load(uint64_t truth, size_t size_bytes) = 0;
};

// Asked by the loads of this thread; nullptr: they give the truth.
inline thread_local HostileSource* hostile_source = nullptr;

template <typename T>
T Seen(T truth) {
  return hostile_source == nullptr ? truth : static_cast<T>(hostile_source->Load(truth, sizeof(T)));
}

#else

template <typename T>
constexpr T Seen(T truth) {
  return truth;
}

#endif

}  // namespace tombolo
