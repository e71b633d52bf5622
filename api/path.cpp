#include "api/path.hpp"

namespace rop {

bool is_clean_path(std::string_view path) {
    if (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    for (;;) {
        const auto slash = path.find('/');
        const std::string_view segment = path.substr(0, slash);
        if (segment.empty() || segment == "." || segment == "..") {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        path.remove_prefix(slash + 1);
    }
}

}  // namespace rop
