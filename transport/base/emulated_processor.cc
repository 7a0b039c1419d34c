#include "transport/base/emulated_processor.h"

#include <cstring>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tombolo {

bool IsProcessorEmulated() {
#if defined(__x86_64__)
  constexpr unsigned kHypervisorLeaf = 0x4000'0000;
  constexpr unsigned kHypervisorBit = 1u << 31;
  unsigned eax;
  unsigned signature[3];
  unsigned features;
  __cpuid(1, eax, signature[0], features, signature[2]);
  if ((features & kHypervisorBit) == 0) return false;
  __cpuid(kHypervisorLeaf, eax, signature[0], signature[1], signature[2]);
  char text[sizeof(signature)];
  std::memcpy(text, signature, sizeof(text));
  return std::string_view(text, sizeof(text)) == "TCGTCGTCGTCG";
#else
  return false;
#endif
}

}  // namespace tombolo
