#include <string>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/json/document.hpp"
#include "api/json/spec_json.hpp"
#include "operator/commands/spec_file.hpp"
#include "operator/loop/documents.hpp"

namespace rop::commands {
namespace {

std::string stem_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
    return file.substr(0, file.find('.'));
}

/// The name that the document gives itself, if it can be read at all.
std::string name_inside(const std::string& text) {
    const auto document = json::parse_document(text);
    if (document.has_error()) {
        return "";
    }
    const json::Node* name = document.value().find("name");
    return name != nullptr && name->kind == json::Node::Kind::text ? name->text : "";
}

/// What is wrong with `name`, which `where` gave.
Problem problem_of_name(const std::string& name, const std::string& where) {
    Problem problem{.path = "$.name", .value = "", .rule = "", .nearest = ""};
    if (name.empty()) {
        problem.rule = "required: a spec from standard input needs a name: give --name NAME";
        return problem;
    }
    problem.value = json::in_quotes(name);
    problem.rule =
        "must be " + std::string(name_rule) + "; it is from " + where + ": give --name NAME";
    problem.nearest = json::nearest_cluster_name(name);
    return problem;
}

}  // namespace

json::SpecParse read_spec_file(const SpecFile& file) {
    const std::string inside = name_inside(file.text);
    std::string name = file.name;
    std::string where = "--name";
    if (name.empty() && !inside.empty()) {
        // What is wrong with it, the spec's own reader says.
        return json::parse_spec(file.text, loop::is_cluster_name(inside) ? inside : "x");
    }
    if (name.empty() && file.path != "-") {
        name = stem_of(file.path);
        where = "the file's name";
    }
    if (loop::is_cluster_name(name)) {
        return json::parse_spec(file.text, name);
    }
    json::SpecParse parse =
        json::parse_spec(file.text, loop::is_cluster_name(inside) ? inside : "x");
    parse.spec.reset();
    parse.problems.insert(parse.problems.begin(), problem_of_name(name, where));
    return parse;
}

std::vector<std::string> not_served_yet(const ClusterSpec& spec) {
    std::vector<std::string> list;
    if (!spec.settings.empty()) {
        list.emplace_back(
            "settings are checked and not applied yet: give them to the servers by the job");
    }
    BalanceSpec balance;
    balance.threshold = spec.balance.threshold;
    if (spec.balance != balance) {
        list.emplace_back(
            "slots are not moved yet: of balance only threshold counts, for what Balanced says");
    }
    return list;
}

std::string notes(const ClusterSpec& spec) {
    std::string text;
    for (const auto& note : not_served_yet(spec)) {
        text += "note: " + note + "\n";
    }
    return text;
}

std::string summary(const ClusterSpec& spec) {
    std::string text = std::to_string(spec.primaries) +
                       (spec.primaries == 1 ? " primary with " : " primaries with ") +
                       counted(spec.replicas_per_primary, "replica") +
                       (spec.primaries == 1 ? "" : " each") + ", service " + spec.service;
    if (spec.nomad) {
        text += ", Nomad " + spec.nomad->job + "/" + spec.nomad->group;
        if (spec.nomad->nomad_namespace != "default") {
            text += " in " + spec.nomad->nomad_namespace;
        }
    }
    return text;
}

Outcome refused(const SpecFile& file, const std::vector<Problem>& problems, Format format) {
    if (format == Format::json) {
        boost::json::array list;
        for (const auto& problem : problems) {
            boost::json::object entry;
            entry["path"] = problem.path;
            entry["value"] = problem.value;
            entry["rule"] = problem.rule;
            entry["nearest"] = problem.nearest;
            list.push_back(std::move(entry));
        }
        boost::json::object answer;
        answer["valid"] = false;
        answer["problems"] = std::move(list);
        return Outcome{ExitCode::bad_usage, boost::json::serialize(answer) + "\n", ""};
    }
    std::string text = (file.path == "-" ? "standard input" : file.path) +
                       " is not a valid spec (" + counted(problems.size(), "problem") + "):";
    for (const auto& problem : problems) {
        text += "\n  " + printable(to_string(problem));
    }
    return failure(text, "correct that and try again; docs/reference/spec.md has every field",
                   ExitCode::bad_usage);
}

Outcome validate(const SpecFile& file, Format format) {
    const json::SpecParse parse = read_spec_file(file);
    if (!parse.spec) {
        return refused(file, parse.problems, format);
    }
    if (format == Format::json) {
        boost::json::object answer;
        answer["valid"] = true;
        answer["name"] = parse.spec->name.value();
        answer["problems"] = boost::json::array();
        boost::json::array list;
        for (const auto& note : not_served_yet(*parse.spec)) {
            list.emplace_back(note);
        }
        answer["notes"] = std::move(list);
        return Outcome{ExitCode::done, boost::json::serialize(answer) + "\n", ""};
    }
    return Outcome{ExitCode::done,
                   parse.spec->name.value() + ": valid: " + printable(summary(*parse.spec)) + "\n" +
                       notes(*parse.spec),
                   ""};
}

}  // namespace rop::commands
