#include "operator/ports/client_list.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace rop::ports {
namespace {

/// "id=12 addr=127.0.0.1:40000 ... name=redis-operator:6f1c:4 age=3 ...": no value has spaces.
std::optional<std::string_view> value_in(std::string_view line, std::string_view key) {
    while (!line.empty()) {
        const auto space = line.find(' ');
        const std::string_view word = line.substr(0, space);
        if (word.starts_with(key)) {
            return word.substr(key.size());
        }
        line = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = code == std::errc{} && end == text.data() + text.size();
    return is_number ? std::optional(number) : std::nullopt;
}

}  // namespace

std::vector<Words> endings_of_older(std::string_view list, std::string_view name) {
    std::vector<std::uint64_t> ids;
    while (!list.empty()) {
        const auto end = list.find('\n');
        const std::string_view line = list.substr(0, end);
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
        const auto id = number_in(value_in(line, "id=").value_or(""));
        if (id && value_in(line, "name=") == name) {
            ids.push_back(*id);
        }
    }
    std::sort(ids.begin(), ids.end());
    std::vector<Words> commands;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        commands.push_back({"CLIENT", "KILL", "ID", std::to_string(ids[i])});
    }
    return commands;
}

}  // namespace rop::ports
