#pragma once

#include <string>
#include <string_view>

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

/// How a text brings its own next step along, as its last line.
inline constexpr std::string_view next_mark = "\nnext: ";

/// "error: <what>\nnext: <next>\n", on standard error. Nothing fails without a next step.
[[nodiscard]] inline Outcome failure(const std::string& what, std::string_view next,
                                     ExitCode code = ExitCode::failed) {
    return Outcome{code, "", "error: " + what + std::string(next_mark) + std::string(next) + "\n"};
}

/// Of an error whose text may have a next step already; else it is `otherwise`.
[[nodiscard]] inline Outcome failure(const Error& error, std::string_view otherwise,
                                     ExitCode code = ExitCode::failed) {
    const std::size_t at = error.what.find(next_mark);
    return at == std::string::npos
               ? failure(error.what, otherwise, code)
               : failure(error.what.substr(0, at), error.what.substr(at + next_mark.size()), code);
}

}  // namespace rop::commands
