// Small files of /proc and /sys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tombolo::control {

// Without white space at the end; nothing when the file cannot be read.
std::optional<std::string> ReadSystemFile(const std::filesystem::path& path);

// A number in hexadecimal, with or without 0x in front.
std::optional<uint64_t> ReadHexFile(const std::filesystem::path& path);

// The last part of where a link leads; empty when it is no link.
std::string LinkName(const std::filesystem::path& path);

// What is in a folder, in order; nothing when it cannot be read.
std::vector<std::string> NamesIn(const std::filesystem::path& folder);

}  // namespace tombolo::control
