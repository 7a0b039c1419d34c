// The files of the status page (page/), as the build puts them into the program.
#pragma once

namespace tombolo::control {

extern const char kStatusHtml[];
extern const char kStatusCss[];
extern const char kStatusJs[];

}  // namespace tombolo::control
