// Assembly of the results page: see page.hpp.
#include "loadgen/results/page.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>

#include "loadgen/errors.hpp"
#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

constexpr char kLibrary[] = "/usr/share/javascript/chart.js/chart.min.js";

std::string library() {
  if (!fs::exists(kLibrary))
    throw UsageError("Chart.js is not installed: make report installs it (Debian package libjs-chart.js)");
  return file_text(kLibrary);
}

// No '<' may appear inside <script>, because "</script>" would end it.
std::string embedded(const boost::json::object& data) {
  return boost::algorithm::replace_all_copy(boost::json::serialize(data), "<", "\\u003c");
}

}  // namespace

std::string page(const fs::path& sources, const boost::json::object& data) {
  const std::string layout = file_text(sources / "template.html");
  std::string html;
  std::size_t at = 0;
  for (std::size_t open; (open = layout.find("{{", at)) != std::string::npos;) {
    const std::size_t close = layout.find("}}", open);
    if (close == std::string::npos) throw std::runtime_error("template.html: {{ without }}");
    const std::string name = layout.substr(open + 2, close - open - 2);
    html += layout.substr(at, open - at);
    html += name == "data" ? embedded(data) : name == "chart-library" ? library() : file_text(sources / name);
    at = close + 2;
  }
  return html + layout.substr(at);
}

}  // namespace comet::loadgen
