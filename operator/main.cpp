#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <unistd.h>

#include "operator/commands/program.hpp"

namespace {

rop::commands::Environment environment_of(char** entries) {
    rop::commands::Environment environment;
    for (; *entries != nullptr; ++entries) {
        const std::string entry(*entries);
        const std::size_t equals = entry.find('=');
        if (equals != std::string::npos) {
            environment[entry.substr(0, equals)] = entry.substr(equals + 1);
        }
    }
    return environment;
}

}  // namespace

int main(int count, char** words, char** environment) {
    try {
        const std::vector<std::string> arguments(words + 1, words + count);
        const rop::commands::Surroundings surroundings{
            .environment = environment_of(environment),
            .out_is_terminal = isatty(STDOUT_FILENO) == 1};
        const auto outcome = rop::commands::run_program(arguments, surroundings);
        std::fputs(outcome.out.c_str(), stdout);
        std::fputs(outcome.err.c_str(), stderr);
        if (std::fflush(stdout) != 0) {
            std::fputs(
                "error: standard output cannot be written\nnext: is its disk full, or its reader "
                "gone?\n",
                stderr);
            return 1;
        }
        return static_cast<int>(outcome.code);
    } catch (const std::exception& failure) {
        std::fprintf(stderr,
                     "error: %s\nnext: this is a bug: report it with the command and its version\n",
                     failure.what());
        return 1;
    }
}
