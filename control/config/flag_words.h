// How errors speak of a key's value: what was seen, and what its flag expects.
#pragma once

#include <string>
#include <string_view>

#include "control/config/config_file.h"
#include "control/config/flag_set.h"

namespace tombolo::control {

// Whether a value of this kind can be one of `key`, or of its list.
bool TakesKind(const FlagKey& key, ConfigKind kind);

// `16`, `"loud"`, `true`; what has no text by its kind, as below.
std::string SeenWords(const ConfigValue& value);

// `the integer 16`, `the string "loud"`, `a list`.
std::string SeenWithKind(const ConfigValue& value);

// `one of {a,b}: the flag's own words`.
std::string Expected(const FlagKey& key);

// `NAME is SEEN: WHY; expected EXPECTED.`, without WHY where it says nothing new.
std::string Refusal(std::string_view name, std::string_view seen, std::string_view why,
                    const FlagKey& key);

}  // namespace tombolo::control
