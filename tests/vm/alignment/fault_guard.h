// Runs an access that may raise SIGBUS, and tells whether it did. One thread only.
#pragma once

namespace tombolo::alignment {

// From now on SIGBUS is caught, as long as a Faults() is under way.
void CatchSigbus();

// Whether `access(argument)` raised SIGBUS, which ends it.
bool Faults(void (*access)(void*), void* argument);

}  // namespace tombolo::alignment
