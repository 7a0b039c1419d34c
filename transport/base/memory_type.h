// How the processor treats a mapping of the region; it decides copy routine and whether atomic
// read-modify-write works.
#pragma once

namespace tombolo {

enum class MemoryType { kWriteBack, kWriteCombining, kUncached, kDevice };

}  // namespace tombolo
