#pragma once

#include <chrono>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "operator/commands/commands.hpp"
#include "operator/commands/outcome.hpp"

namespace rop::commands {

/// What somebody typed, understood but not yet checked against the world.
struct Invocation {
    std::string command;                                    // "apply"
    std::map<std::string, std::string, std::less<>> flags;  // Settings, by flag: {"--listen", ...}
    std::string config_file;
    Format format = Format::text;
    std::string file;  // "-": standard input.
    std::string name;
    bool dry_run = false;
    bool forget_record = false;
    bool yes = false;
    bool check = false;
    WaitRequest::For wait_for = WaitRequest::For::ready;
    std::chrono::milliseconds timeout{60'000};
};

/// Help and usage errors are Outcomes already. `words` are those after the program's name.
[[nodiscard]] std::variant<Invocation, Outcome> read_command_line(
    const std::vector<std::string>& words);

/// Every command with its flags, for docs/reference/cli.md and the test that compares both:
/// {"apply", {"--name", "--dry-run", ...}}.
[[nodiscard]] std::map<std::string, std::vector<std::string>> known_commands();

}  // namespace rop::commands
