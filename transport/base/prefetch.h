// Hints to the processor: they are never wrong, they only cost or save time.
//
// SUBTLE: in assembly, because __builtin_prefetch() does not do: with a second argument of 1, but
// without -mprfchw, it asks for a copy to read all the same, which is of no use; and GCC takes a
// function that does nothing else for one without an effect, and drops its calls.
#pragma once

namespace tombolo {

// Asks for the cache line at `address` as its only owner, since it will be written soon: the store
// then finds it there, instead of waiting until all others have dropped it.
inline void PrefetchToWrite(const void* address) {
  [[maybe_unused]] const auto& line = *static_cast<const char*>(address);
#if defined(__x86_64__)
  asm("prefetchw %0" : : "m"(line));  // Processors that do not know it ignore it.
#elif defined(__aarch64__)
  asm("prfm pstl1keep, %0" : : "Q"(line));
#endif
}

// Asks for a copy of the cache line at `address`, since it will be read soon.
inline void PrefetchToRead(const void* address) {
  [[maybe_unused]] const auto& line = *static_cast<const char*>(address);
#if defined(__x86_64__)
  asm("prefetcht0 %0" : : "m"(line));
#elif defined(__aarch64__)
  asm("prfm pldl1keep, %0" : : "Q"(line));
#endif
}

}  // namespace tombolo
