// Numbers that whoever runs a test may set: how long its long form is, with which seed it begins.
#pragma once

#include <stdlib.h>

namespace tombolo {

inline int FromEnvironment(const char* name, int otherwise) {
  const char* text = getenv(name);
  return text == nullptr ? otherwise : atoi(text);
}

}  // namespace tombolo
