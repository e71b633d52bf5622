#include "operator/commands/command_line.hpp"

#include <functional>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "api/duration.hpp"
#include "api/nearest.hpp"
#include "operator/config/config.hpp"
#include "operator/loop/documents.hpp"

namespace rop::commands {
namespace {

using For = config::Setting::For;

/// Which settings a command takes.
enum class Asks { nothing, consul, everything, all_settings };

struct Examples {
    const char* text;
};

bool takes(Asks asks, For needed_for) {
    switch (asks) {
        case Asks::nothing:
            return false;
        case Asks::consul:
            return needed_for == For::asking;
        case Asks::everything:
            return needed_for != For::running;
        case Asks::all_settings:
            return true;
    }
    return false;
}

std::string help_of(const config::Setting& setting) {
    const std::string value = setting.show(config::Config{});
    std::string help(setting.what);
    if (!value.empty()) {
        help += " Default: " + value + ".";
    }
    return help + " Also " + std::string(setting.variable) + ".";
}

/// The commands as CLI11 knows them; what it reads goes into `read`.
class Parser {
  public:
    Parser();

    CLI::App app{
        "Forms Redis Clusters on Nomad and Consul from a spec in Consul KV, and keeps "
        "them healthy."};
    Invocation read;
    std::string format = "text";
    std::string wait_for = "ready";
    std::string timeout = "60s";

  private:
    CLI::App* add(const char* name, const char* what, Asks asks, Examples examples);
    void add_settings(CLI::App* command, Asks asks);
    void take_format(CLI::App* command);
    void take_name(CLI::App* command, bool required);
    void take_file(CLI::App* command);
    void add_writing();
    void add_reading();
};

Parser::Parser() {
    app.name("redis-operator");
    app.require_subcommand(1);
    app.get_formatter()->column_width(38);
    app.footer(
        "Begin with:\n"
        "  redis-operator run                     # the operator itself, beside a Consul agent\n"
        "  redis-operator apply cache.json        # declare a cluster\n"
        "  redis-operator wait cache --for ready  # until it serves\n"
        "  redis-operator get                     # what there is\n"
        "redis-operator COMMAND --help explains one command.\n"
        "Exit codes: 0 done, 1 failed, 2 bad usage or invalid spec, 3 not (yet) so.");
    app.set_version_flag("--version", "redis-operator " ROP_VERSION);
    add("run", "The operator itself: watches, leads, forms and repairs, until SIGTERM.",
        Asks::all_settings,
        {"  redis-operator run\n"
         "  redis-operator run --listen 127.0.0.1:0 --log-format json\n"
         "  redis-operator run --config operator.json --nomad-address http://127.0.0.1:4646"});
    add_writing();
    add_reading();
    take_format(add("version", "The version.", Asks::nothing,
                    {"  redis-operator version\n  redis-operator version -o json"}));
}

void Parser::add_writing() {
    CLI::App* validate =
        add("validate", "Checks a spec and lists everything that is wrong.", Asks::nothing,
            {"  redis-operator validate cache.json\n"
             "  redis-operator validate cache.json -o json"});
    take_file(validate);
    take_format(validate);

    CLI::App* apply =
        add("apply", "Declares a cluster, or changes what was declared.", Asks::everything,
            {"  redis-operator apply cache.json\n"
             "  redis-operator apply cache.json --dry-run\n"
             "  generate-spec | redis-operator apply - --name cache"});
    take_file(apply);
    apply->add_flag("--dry-run", read.dry_run,
                    "Show what a leader would begin with, and write nothing.");
    take_format(apply);

    CLI::App* gone =
        add("delete", "Ends the management of a cluster. Deletes no data and no job.", Asks::consul,
            {"  redis-operator delete cache\n"
             "  redis-operator delete cache --forget-record"});
    take_name(gone, true);
    gone->add_flag("--forget-record", read.forget_record,
                   "Remove the record, too: a later apply does not resume what was formed.");
    gone->add_flag("--yes", read.yes,
                   "With --forget-record: even if a cluster is formed, which is then left alone.");
}

void Parser::add_reading() {
    CLI::App* get = add("get", "Lists clusters, or shows one.", Asks::consul,
                        {"  redis-operator get\n"
                         "  redis-operator get cache -o json\n"
                         "  redis-operator get cache --check || echo not ready"});
    take_name(get, false);
    get->add_flag("--check", read.check, "Exit 3 unless all that is shown is Ready and led.");
    take_format(get);

    CLI::App* describe =
        add("describe", "Everything about one cluster, and the next step.", Asks::consul,
            {"  redis-operator describe cache\n"
             "  redis-operator describe cache -o json"});
    take_name(describe, true);
    take_format(describe);
    CLI::App* events = add("events", "What happened to a cluster, oldest first.", Asks::consul,
                           {"  redis-operator events cache\n"
                            "  redis-operator events cache -o json"});
    take_name(events, true);
    take_format(events);
    CLI::App* plan =
        add("plan", "Looks for itself and shows what the operator would do now.", Asks::everything,
            {"  redis-operator plan cache\n"
             "  redis-operator plan cache -o json"});
    take_name(plan, true);
    take_format(plan);

    CLI::App* wait =
        add("wait", "Waits until a cluster is ready or formed; exit 3 when late.", Asks::consul,
            {"  redis-operator wait cache\n"
             "  redis-operator wait cache --for formed --timeout 5m"});
    take_name(wait, true);
    wait->add_option("--for", wait_for,
                     "ready (serves what is declared) or formed. Default: ready.")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"ready", "formed"}));
    wait->add_option("--timeout", timeout, "How long. Default: 60s.")
        ->type_name("DURATION")
        ->check([](const std::string& text) {
            return parse_duration(text).has_value()
                       ? std::string()
                       : text + " must be a duration, such as 500ms, 60s or 5m";
        });
}

CLI::App* Parser::add(const char* name, const char* what, Asks asks, Examples examples) {
    CLI::App* command = app.add_subcommand(name, what);
    command->footer(std::string("Examples:\n") + examples.text);
    command->callback([this, name] { read.command = name; });
    command->get_formatter()->column_width(38);
    add_settings(command, asks);
    return command;
}

void Parser::add_settings(CLI::App* command, Asks asks) {
    if (asks == Asks::nothing) {
        return;
    }
    command
        ->add_option("--config", read.config_file,
                     "A JSON file with settings. Also REDIS_OPERATOR_CONFIG.")
        ->type_name("FILE");
    for (const auto& setting : config::settings()) {
        if (takes(asks, setting.needed_for)) {
            const std::string flag(setting.flag);
            command
                ->add_option_function<std::string>(
                    flag, [this, flag](const std::string& value) { read.flags[flag] = value; },
                    help_of(setting))
                ->type_name(std::string(setting.value));
        }
    }
}

void Parser::take_format(CLI::App* command) {
    command->add_option("-o,--output", format, "text (for people) or json (for programs).")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
}

void Parser::take_name(CLI::App* command, bool required) {
    CLI::Option* option = command->add_option("NAME", read.name, "The cluster's name.");
    option->required(required)->type_name("")->option_text(" ");
    option->check([](const std::string& name) {
        return loop::is_cluster_name(name)
                   ? std::string()
                   : "a cluster's name is " + std::string(name_rule) + ": " + name;
    });
}

void Parser::take_file(CLI::App* command) {
    command->add_option("FILE", read.file, "The spec, a JSON file; - is standard input.")
        ->required()
        ->type_name("")
        ->option_text(" ");
    command->add_option("--name", read.name, "Its name. Default: the name inside, else the file's.")
        ->type_name("NAME");
}

/// What is wrong when the first word is no command; else empty.
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
    if (words.empty() || words.front().starts_with("-")) {
        return "";
    }
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands({})) {
        names.push_back(command->get_name());
        if (names.back() == words.front()) {
            return "";
        }
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string meant = nearest(words.front(), views);
    return "there is no command " + printable(words.front()) +
           (meant.empty() ? "" : "; did you mean " + meant + "?");
}

Outcome usage_error(const Parser& parser, const CLI::ParseError& error,
                    const std::vector<std::string>& words) {
    std::string command;
    for (const auto* chosen : parser.app.get_subcommands()) {
        command = " " + chosen->get_name();
    }
    const std::string unknown = unknown_command(parser.app, words);
    return failure(unknown.empty() ? error.what() : unknown, "redis-operator" + command + " --help",
                   ExitCode::bad_usage);
}

}  // namespace

std::variant<Invocation, Outcome> read_command_line(const std::vector<std::string>& words) {
    Parser parser;
    try {
        parser.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::CallForHelp&) {
        return Outcome{ExitCode::done, parser.app.help(), ""};  // Of the command that was chosen.
    } catch (const CLI::CallForVersion&) {
        return version(Format::text);
    } catch (const CLI::ParseError& error) {
        return usage_error(parser, error, words);
    }
    Invocation read = std::move(parser.read);
    read.format = parser.format == "json" ? Format::json : Format::text;
    read.wait_for =
        parser.wait_for == "formed" ? WaitRequest::For::formed : WaitRequest::For::ready;
    read.timeout = parse_duration(parser.timeout).value();
    return read;
}

std::map<std::string, std::vector<std::string>> known_commands() {
    const Parser parser;
    std::map<std::string, std::vector<std::string>> known;
    for (const auto* command : parser.app.get_subcommands({})) {
        auto& flags = known[command->get_name()];
        for (const auto* option : command->get_options()) {
            for (const auto& name : option->get_lnames()) {
                if (name != "help") {
                    flags.push_back("--" + name);
                }
            }
        }
    }
    return known;
}

}  // namespace rop::commands
