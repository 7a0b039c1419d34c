#include "bench/mpi/command.h"

#include <sstream>

#include "bench/transport/require.h"

namespace tombolo::bench {

Command ParseCommand(const std::string& line) {
  Command command;
  std::string data;
  std::string memory;
  std::istringstream words(line);
  words >> command.name >> command.count >> command.bytes >> command.window >> data >> memory;
  if (words.fail() || command.count <= 0 || command.window <= 0) Fail("no command: " + line);
  command.is_fresh = data == "fresh";
  command.is_allocated = memory == "allocated";
  return command;
}

}  // namespace tombolo::bench
