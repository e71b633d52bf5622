#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "test/unit/api/json/spec_cases.hpp"

namespace rop::json {

/// One way in which a spec can be wrong.
struct Refusal {
    std::string name;
    std::string text;     // Of the whole document.
    std::string problem;  // Begins with this: path, value and the first words of the rule.
    std::string nearest;
    std::string key = "cache";

    friend std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
        return out << refusal.name;
    }
};

inline Refusal with(std::string name, const std::string& more, std::string problem,
                    std::string nearest = "") {
    return {std::move(name), minimal_and("," + more), std::move(problem), std::move(nearest)};
}

// One row for every branch of the validation, by part of the spec.
[[nodiscard]] std::vector<Refusal> part_refusals();

}  // namespace rop::json
