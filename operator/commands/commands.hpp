#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/ids.hpp"
#include "operator/commands/outcome.hpp"
#include "operator/commands/store.hpp"
#include "operator/commands/table.hpp"
#include "operator/loop/once.hpp"
#include "operator/ports/time.hpp"

// One function per command, after its arguments were read. None of them prints.
namespace rop::commands {

enum class Format { text, json };

/// What commands work with. Everything outlives them.
struct Toolbox {
    using Look = std::function<boost::asio::awaitable<Result<loop::OnceView>>(
        ClusterName name, std::optional<ClusterSpec> instead)>;

    ports::TimePort* time = nullptr;
    Store store;
    Look look;  // Observes and decides once: for `plan` and `apply --dry-run`.
    Style style;
    Format format = Format::text;
};

using Answering = boost::asio::awaitable<Outcome>;

/// A document and where it came from.
struct SpecFile {
    std::string path;  // As given: "cache.json", or "-".
    std::string text;
    std::string name;  // --name, or empty.
};

/// Needs nothing but the file. Exit 2 with every problem.
[[nodiscard]] Outcome validate(const SpecFile& file, Format format);

struct ApplyRequest {
    SpecFile file;
    bool dry_run = false;
};
Answering apply(Toolbox tools, ApplyRequest request);

struct DeleteRequest {
    ClusterName name;
    bool forget_record = false;
    bool yes = false;  // Also the record of what is formed, though nothing takes it over yet.
};
Answering delete_cluster(Toolbox tools, DeleteRequest request);

struct GetRequest {
    std::optional<ClusterName> name;  // Absent: all.
    bool check = false;               // Exit 3 unless all that is shown is Ready and led.
};
Answering get(Toolbox tools, GetRequest request);

Answering describe(Toolbox tools, ClusterName name);
Answering events(Toolbox tools, ClusterName name);
Answering plan(Toolbox tools, ClusterName name);

struct WaitRequest {
    enum class For { ready, formed };
    ClusterName name;
    For what = For::ready;
    std::chrono::milliseconds timeout{60'000};
};
Answering wait(Toolbox tools, WaitRequest request);

[[nodiscard]] Outcome version(Format format);

}  // namespace rop::commands
