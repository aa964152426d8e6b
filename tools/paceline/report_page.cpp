#include "tools/paceline/report_page.hpp"

#ifdef PACELINE_REPORT_PAGE
asm(".section .rodata\n"
    "paceline_report_page: .incbin \"" PACELINE_REPORT_PAGE
    "\"\n"
    "paceline_report_page_end: .byte 0\n"
    ".global paceline_report_page, paceline_report_page_end\n"
    ".previous\n");
extern "C" const char paceline_report_page, paceline_report_page_end;
#endif

namespace paceline {

std::string_view report_page() {
#ifdef PACELINE_REPORT_PAGE
  return {&paceline_report_page, &paceline_report_page_end};
#else
  return {};
#endif
}

}  // namespace paceline
