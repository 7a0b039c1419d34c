// Text from parts, for messages of failed checks.
#ifndef TOMBOLO_TESTS_MPI_TEXT_H_
#define TOMBOLO_TESTS_MPI_TEXT_H_

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

#endif  // TOMBOLO_TESTS_MPI_TEXT_H_
