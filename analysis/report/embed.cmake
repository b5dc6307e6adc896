# Writes OUTPUT, a source file with the texts of the page: TEMPLATE, STYLE and
# SCRIPTS (a list joined by "|", put together in this order).
function(literal variable)
  set(text "")
  foreach(file ${ARGN})
    file(READ ${file} content)
    string(APPEND text "${content}")
  endforeach()
  # Compilers bound one literal; pieces of 12,000 bytes are put together again.
  string(LENGTH "${text}" length)
  set(pieces "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 12000 piece)
    string(APPEND pieces "R\"lens_page(${piece})lens_page\"\n")
    math(EXPR at "${at} + 12000")
  endwhile()
  set(${variable} "${pieces}" PARENT_SCOPE)
endfunction()

string(REPLACE "|" ";" SCRIPTS "${SCRIPTS}")
literal(template ${TEMPLATE})
literal(style ${STYLE})
literal(script ${SCRIPTS})

file(WRITE ${OUTPUT}.new "#include \"analysis/report/assets.h\"

namespace lens::analysis::report {

std::string_view page_template() {
  static constexpr std::string_view text =
${template};
  return text;
}

std::string_view page_style() {
  static constexpr std::string_view text =
${style};
  return text;
}

std::string_view page_script() {
  static constexpr std::string_view text =
${script};
  return text;
}

}  // namespace lens::analysis::report
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
