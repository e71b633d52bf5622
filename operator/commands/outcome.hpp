#pragma once

#include <string>

#include "api/base/result.hpp"

namespace rop::commands {

/// The contract of the command line: what the shell sees as $?.
enum class ExitCode {
    done = 0,
    failed = 1,
    bad_usage = 2,  // Also an invalid spec.
    not_so = 3,     // Not (yet) so: `wait`, `get --check`.
};

/// What a command says and how it ended. Commands return it instead of printing, so that tests
/// read what users read.
struct Outcome {
    ExitCode code = ExitCode::done;
    std::string out;
    std::string err;
};

/// "error: <what>\n", on standard error.
[[nodiscard]] inline Outcome failure(const std::string& what, ExitCode code = ExitCode::failed) {
    return Outcome{code, "", "error: " + what + "\n"};
}

}  // namespace rop::commands
