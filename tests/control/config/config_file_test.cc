#include "control/config/config_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "tests/support/file_modes.h"
#include "tests/support/status_text.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsNull;
using ::testing::NotNull;
using ::testing::SizeIs;

ConfigFile Parsed(std::string_view text) {
  absl::StatusOr<ConfigFile> file = ParseConfig(text, "t.toml");
  EXPECT_TRUE(file.ok()) << Text(file);
  return file.ok() ? *std::move(file) : ConfigFile{};
}

// What is wrong with `text`, which has to be an InvalidArgument.
std::string Wrong(std::string_view text) {
  const absl::Status status = ParseConfig(text, "t.toml").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << Text(status);
  return std::string(status.message());
}

const ConfigValue& Value(const ConfigFile& file, std::string_view table, std::string_view key) {
  static const ConfigValue kNone{};
  const ConfigTable* found = file.Find(table);
  const ConfigEntry* entry = found == nullptr ? nullptr : found->Find(key);
  EXPECT_THAT(entry, NotNull()) << table << "." << key;
  return entry == nullptr ? kNone : entry->value;
}

TEST(ParseConfigTest, TablesHaveKeysAndValuesWithTheirPlaces) {
  const ConfigFile file = Parsed("log-level = \"warn\"\n\n  [daemon]\nslots =  4\n");
  ASSERT_THAT(file.tables, SizeIs(2));
  EXPECT_EQ(Value(file, "", "log-level").text, "warn");
  EXPECT_EQ(Value(file, "", "log-level").place, (ConfigPlace{1, 13}));
  const ConfigTable& daemon = *file.Find("daemon");
  EXPECT_EQ(daemon.place, (ConfigPlace{3, 4}));
  EXPECT_EQ(daemon.Find("slots")->place, (ConfigPlace{4, 1}));
  EXPECT_EQ(daemon.Find("slots")->value.place, (ConfigPlace{4, 10}));
  EXPECT_EQ(file.At(daemon.Find("slots")->place), "t.toml:4:1");
  EXPECT_THAT(daemon.Find("vectors"), IsNull());
  EXPECT_THAT(file.Find("agent"), IsNull());
}

TEST(ParseConfigTest, EachKindIsToldFromTheOthers) {
  const ConfigFile file = Parsed(
      "[t]\na = true\nb = 0x10\nc = -5\nd = 1.5\ne = 'x'\nf = 2020-02-02\ng = 12:00:00\n"
      "h = [1, 'y']\ni = {}\n");
  EXPECT_EQ(Value(file, "t", "a").kind, ConfigKind::kBoolean);
  EXPECT_EQ(Value(file, "t", "a").text, "true");
  EXPECT_EQ(Value(file, "t", "b").kind, ConfigKind::kInteger);
  EXPECT_EQ(Value(file, "t", "b").text, "16");
  EXPECT_EQ(Value(file, "t", "c").text, "-5");
  EXPECT_EQ(Value(file, "t", "d").kind, ConfigKind::kFloat);
  EXPECT_EQ(Value(file, "t", "e").kind, ConfigKind::kString);
  EXPECT_EQ(Value(file, "t", "e").text, "x");
  EXPECT_EQ(Value(file, "t", "f").kind, ConfigKind::kTime);
  EXPECT_EQ(Value(file, "t", "g").kind, ConfigKind::kTime);
  EXPECT_EQ(Value(file, "t", "i").kind, ConfigKind::kTable);
  const ConfigValue& list = Value(file, "t", "h");
  EXPECT_EQ(list.kind, ConfigKind::kList);
  ASSERT_THAT(list.elements, SizeIs(2));
  EXPECT_EQ(list.elements[0].kind, ConfigKind::kInteger);
  EXPECT_EQ(list.elements[1].text, "y");
  EXPECT_EQ(list.elements[1].place, (ConfigPlace{9, 9}));
}

TEST(ParseConfigTest, AllWaysToWriteATableAreOne) {
  for (const char* text : {"[daemon]\nslots = 4", "daemon.slots = 4", "daemon = {slots = 4}"}) {
    EXPECT_EQ(Value(Parsed(text), "daemon", "slots").text, "4") << text;
  }
}

TEST(ParseConfigTest, EntriesKeepTheOrderOfTheFile) {
  const ConfigFile file = Parsed("[t]\nz = 1\nm = 2\na = 3\n[s]\n");
  EXPECT_EQ(file.Find("t")->entries[0].key, "z");
  EXPECT_EQ(file.Find("t")->entries[2].key, "a");
  EXPECT_EQ(file.tables.back().name, "s");
}

TEST(ParseConfigTest, AnEmptyTextIsAConfiguration) {
  for (const char* text : {"", "\n", "# nothing\n", "\xef\xbb\xbf", "[daemon]"}) {
    EXPECT_TRUE(ParseConfig(text, "t.toml").ok()) << text;
  }
}

TEST(ParseConfigTest, TextIsUtf8AndColumnsAreLetters) {
  const ConfigFile file = Parsed("\xef\xbb\xbf[t]\na = [\"日本\", \"Größe\"]\n");
  EXPECT_EQ(Value(file, "t", "a").elements[0].text, "日本");
  EXPECT_EQ(Value(file, "t", "a").elements[1].place, (ConfigPlace{2, 12}));
}

TEST(ParseConfigTest, WhatIsNotUtf8IsRefused) {
  for (const char* text : {"[t]\na = \"\xff\"", "[t]\na = \"\xc0\xaf\"", "[t]\na = \"\xe6\x97\"",
                           "[t]\na = \"\xed\xa0\x80\""}) {
    EXPECT_THAT(Wrong(text), HasSubstr("t.toml:2:")) << text;
  }
  EXPECT_THAT(Wrong("[t]\na = \"\xff\""),
              HasSubstr("this is not TOML: Encountered invalid utf-8 sequence."));
  EXPECT_THAT(Wrong("[t]\n\xe6"), HasSubstr("utf-8"));
}

TEST(ParseConfigTest, ANulByteIsRefusedWhereverItIs) {
  EXPECT_EQ(Wrong(std::string_view("[t]\na = 1\0", 10)),
            "t.toml:2:6: there is a NUL byte; this is no text file.");
  EXPECT_EQ(Wrong(std::string_view("# \0", 3)),
            "t.toml:1:3: there is a NUL byte; this is no text file.");
}

TEST(ParseConfigTest, ADuplicateIsToldWithItsPlace) {
  EXPECT_EQ(Wrong("[t]\na = 1\na = 2\n"),
            "t.toml:3:5: this is not TOML: key-value pair: cannot redefine existing integer 'a'.");
  EXPECT_EQ(Wrong("[t]\n[s]\n[t]\n"),
            "t.toml:3:1: this is not TOML: table header: cannot redefine existing table 't'.");
}

TEST(ParseConfigTest, WhatIsNoTomlIsToldWithItsPlace) {
  EXPECT_EQ(Wrong("[t\n"), "t.toml:1:3: this is not TOML: table header: expected ']', saw '\\n'.");
  EXPECT_THAT(Wrong("[t]\na\n"), AllOf(HasSubstr("t.toml:2:2: "), HasSubstr("expected '='")));
  EXPECT_THAT(Wrong("[t]\na = \"x"), AllOf(HasSubstr("t.toml:2:"), HasSubstr("end-of-file")));
  EXPECT_THAT(Wrong("[t]\na = yes\n"), AllOf(HasSubstr("t.toml:2:5: "), HasSubstr("value type")));
  EXPECT_THAT(Wrong("a = 99999999999999999999"), HasSubstr("t.toml:1:"));
}

TEST(ParseConfigTest, WhatWouldTakeLongOrNestDeeplyIsRefused) {
  constexpr char kTooMuch[] =
      "t.toml: there are more than 1000 tables, lists and dots outside of strings; a configuration "
      "of Tombolo has some tens.";
  std::string deep = "a";
  std::string lists = "a = ";
  std::string tables;
  for (size_t i = 0; i <= kMaxStructure; ++i) {
    deep += ".a";
    lists += "[";
    tables += "[t" + std::to_string(i) + "]\n";
  }
  EXPECT_EQ(Wrong(deep + " = 1"), kTooMuch);
  EXPECT_EQ(Wrong(lists), kTooMuch);
  EXPECT_EQ(Wrong(tables), kTooMuch);
  // As deep as is allowed, and not refused by us.
  EXPECT_TRUE(ParseConfig(deep.substr(2) + " = 1", "t.toml").ok());
  EXPECT_THAT(Wrong(lists.substr(0, lists.size() - 1)), HasSubstr("nested value depth"));
}

class ReadConfigFileTest : public testing::Test {
 protected:
  std::string Write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
    return path_;
  }

  TempDir folder_;
  const std::string path_ = folder_.File("t.toml");
};

TEST_F(ReadConfigFileTest, ReadsAFile) {
  const auto file = ReadConfigFile(Write("[daemon]\nslots = 4\n"));
  ASSERT_TRUE(file.ok()) << Text(file);
  EXPECT_EQ(file->path, path_);
  EXPECT_EQ(file->Find("daemon")->Find("slots")->value.text, "4");
}

TEST_F(ReadConfigFileTest, AFileThatIsNotThereIsNotFound) {
  const absl::Status status = ReadConfigFile(path_).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << Text(status);
  EXPECT_EQ(status.message(), "cannot read " + path_ + ": No such file or directory");
}

TEST_F(ReadConfigFileTest, AFolderIsNoConfiguration) {
  const std::string folder = std::filesystem::path(path_).parent_path();
  EXPECT_EQ(ReadConfigFile(folder).status().message(),
            "cannot read " + folder + ": Is a directory");
}

TEST_F(ReadConfigFileTest, AFileThatMayNotBeReadIsSaid) {
  ASSERT_EQ(chmod(Write("").c_str(), 0), 0);
  SetModesBindUs(true);
  const absl::Status status = ReadConfigFile(path_).status();
  SetModesBindUs(false);
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << Text(status);
  EXPECT_EQ(status.message(), "cannot read " + path_ + ": Permission denied");
}

TEST_F(ReadConfigFileTest, AReadThatFailsIsSaid) {
  EXPECT_EQ(ReadConfigFile("/proc/self/mem").status().message(),
            "cannot read /proc/self/mem: Input/output error");
}

TEST_F(ReadConfigFileTest, DevNullIsAnEmptyConfiguration) {
  const auto file = ReadConfigFile("/dev/null");
  ASSERT_TRUE(file.ok()) << Text(file);
  EXPECT_EQ(file->path, "/dev/null");
}

TEST_F(ReadConfigFileTest, APipeDoesNotHoldUpAnybody) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(ReadConfigFile(path_).ok());
  // A writer who says nothing.
  const UniqueFd writer(open(path_.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(writer.IsOpen());
  EXPECT_EQ(ReadConfigFile(path_).status().message(),
            "cannot read " + path_ + ": Resource temporarily unavailable");
}

TEST_F(ReadConfigFileTest, TenMebibytesAreReadAndNoByteMore) {
  const std::string comment = "#" + std::string(kMaxConfigBytes - 1, '-');
  EXPECT_TRUE(ReadConfigFile(Write(comment)).ok());
  EXPECT_EQ(ReadConfigFile(Write(comment + "-")).status().message(),
            path_ + " has more than 10485760 bytes; this is no configuration.");
  // What never ends is not read to its end.
  EXPECT_THAT(Text(ReadConfigFile("/dev/zero")), HasSubstr("has more than"));
}

}  // namespace
}  // namespace tombolo::control
