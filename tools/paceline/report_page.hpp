// The empty page that tools/report builds; none where npm was not there.
#pragma once
#include <string_view>

namespace paceline {

std::string_view report_page();

}  // namespace paceline
