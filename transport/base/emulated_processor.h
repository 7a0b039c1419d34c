// Processors that are a program.
#pragma once

namespace tombolo {

// Whether the processor of this machine is emulated by QEMU (TCG) rather than run by hardware: what
// is fast there is another matter. CPUID leaf 4000'0000h, as qemu(1)'s `tcg-cpuid` describes it;
// false on processors without CPUID.
bool IsProcessorEmulated();

}  // namespace tombolo
