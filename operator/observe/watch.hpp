#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "operator/observe/watch_shell.hpp"
#include "operator/runtime/within.hpp"

namespace rop::observe {

template <class T>
[[nodiscard]] bool nothing_in(const std::vector<T>& list) {
    return list.empty();
}
template <class T>
[[nodiscard]] bool nothing_in(const std::optional<T>& entry) {
    return !entry.has_value();
}

/// Follows one blocking query for as long as it runs, and holds the newest answer that can be
/// believed:
///
///     Watch<std::vector<ports::KvEntry>> specs(
///         time, random, {.name = "specs"},
///         [&](ports::BlockingQuery query) { return consul->kv_list("redis-operator/", query); },
///         [&] { bell.ring(); });
///
/// T is a vector or an optional with ==; empty and absent are values like others, but are believed
/// only after a consistent read said so. While the source fails or is in doubt, the old value
/// stays and view().certain is false.
template <class T>
class Watch : public WatchShell {
  public:
    using Ask = std::function<boost::asio::awaitable<Result<ports::Page<T>>>(ports::BlockingQuery)>;

    /// `on_change` is called when the value or its certainty changed. It rings a bell; it decides
    /// nothing.
    Watch(ports::TimePort* time, ports::RandomPort* random, WatchOptions options, Ask ask,
          std::function<void()> on_change)
        : WatchShell(time, random, std::move(options)),
          ask_(std::move(ask)),
          on_change_(std::move(on_change)) {}

    /// Runs until stopped.
    boost::asio::awaitable<void> run() {
        for (;;) {
            const ports::BlockingQuery query = co_await next_query();
            const Moment sent = time()->now();
            Result<ports::Page<T>> page =
                co_await runtime::within(time(), limit_of(query), ask_(query));
            if (take(query, sent, std::move(page))) {
                on_change_();
            }
        }
    }

    /// Nothing until the first answer that was believed.
    [[nodiscard]] const std::optional<T>& value() const { return value_; }

  private:
    /// True: the value or its certainty changed.
    bool take(const ports::BlockingQuery& query, Moment sent, Result<ports::Page<T>> page) {
        const bool was_certain = view().certain;
        bool changed = false;
        if (page.has_error()) {
            failed(page.error());
        } else if (answered(query, page.value().index, nothing_in(page.value().value), sent)) {
            changed = !value_ || !(*value_ == page.value().value);
            if (changed) {
                value_ = std::move(page).value().value;
            }
        }
        return changed || view().certain != was_certain;
    }

    Ask ask_;
    std::function<void()> on_change_;
    std::optional<T> value_;
};

}  // namespace rop::observe
