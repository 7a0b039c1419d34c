// Orders earlier stores to ordinary memory before a store to a device's register. Not an atomic
// fence: those order ordinary memory only. x86 keeps stores in order, those to uncached memory too;
// the compiler must as well.
#pragma once

namespace tombolo {

inline void OrderBeforeRegisterStore() {
#if defined(__aarch64__)
  asm volatile("dsb st" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

}  // namespace tombolo
