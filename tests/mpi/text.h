// Text from parts, for messages of failed checks.
#pragma once

#include <sstream>
#include <string>

namespace tombolo::mpi_check {

template <typename... Parts>
std::string Text(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace tombolo::mpi_check
