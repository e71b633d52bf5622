#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "api/json/status_json.hpp"

namespace rop::json {
namespace {

/// Takes characters from the front of a text; remembers whether all were as expected.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    /// Exactly `digits` decimal digits.
    int number(std::size_t digits, int min, int max) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            const char c = take();
            fine_ = fine_ && c >= '0' && c <= '9';
            value = value * 10 + (c - '0');
        }
        fine_ = fine_ && value >= min && value <= max;
        return fine_ ? value : min;
    }
    void expect(char c) {
        const char taken = take();
        fine_ = fine_ && taken == c;
    }
    bool skip(char c) {
        const bool is_there = !rest_.empty() && rest_.front() == c;
        if (is_there) {
            rest_.remove_prefix(1);
        }
        return is_there;
    }
    [[nodiscard]] bool at_digit() const {
        return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    }
    char take() {
        if (rest_.empty()) {
            fine_ = false;
            return '\0';
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    [[nodiscard]] bool done() const { return fine_ && rest_.empty(); }
    void fail() { fine_ = false; }

  private:
    std::string_view rest_;
    bool fine_ = true;
};

/// ".123": at least one digit; what is finer than a millisecond is dropped.
std::chrono::milliseconds fraction(Scanner& scanner) {
    if (!scanner.skip('.')) {
        return std::chrono::milliseconds(0);
    }
    if (!scanner.at_digit()) {
        scanner.fail();
    }
    int value = 0;
    int weight = 100;
    while (scanner.at_digit()) {
        value += (scanner.take() - '0') * weight;
        weight /= 10;
    }
    return std::chrono::milliseconds(value);
}

/// "Z", "+01:00", "-07:30".
std::chrono::minutes offset(Scanner& scanner) {
    if (scanner.skip('Z')) {
        return std::chrono::minutes(0);
    }
    const bool is_west = scanner.skip('-');
    if (!is_west) {
        scanner.expect('+');
    }
    const int hours = scanner.number(2, 0, 23);
    scanner.expect(':');
    const int minutes = scanner.number(2, 0, 59);
    const std::chrono::minutes ahead(hours * 60 + minutes);
    return is_west ? -ahead : ahead;
}

}  // namespace

std::string write_time(Timestamp time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::array<char, 64> buffer{};
    const auto millis = static_cast<int>(clock.subseconds().count());
    const int length = std::snprintf(
        buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    std::string text(buffer.data(), static_cast<std::size_t>(length));
    if (millis != 0) {
        const std::string digits = std::to_string(1'000 + millis);
        text += "." + digits.substr(1);
    }
    return text + "Z";
}

Result<Timestamp> parse_time(std::string_view text) {
    using std::chrono::day;
    using std::chrono::month;
    using std::chrono::year;
    Scanner scanner(text);
    const int years = scanner.number(4, 0, 9'999);
    scanner.expect('-');
    const int months = scanner.number(2, 1, 12);
    scanner.expect('-');
    const int days = scanner.number(2, 1, 31);
    scanner.expect('T');
    const int hours = scanner.number(2, 0, 23);
    scanner.expect(':');
    const int minutes = scanner.number(2, 0, 59);
    scanner.expect(':');
    const int seconds = scanner.number(2, 0, 59);
    const auto millis = fraction(scanner);
    const auto ahead = offset(scanner);
    const std::chrono::year_month_day date(year{years}, month{static_cast<unsigned>(months)},
                                           day{static_cast<unsigned>(days)});
    if (!scanner.done() || !date.ok()) {
        return Error{ErrorKind::malformed, "not a time as 2026-11-21T09:00:00Z (RFC 3339)"};
    }
    return std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
           std::chrono::seconds(seconds) + millis - ahead;
}

}  // namespace rop::json
