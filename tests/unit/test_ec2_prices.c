/* SPDX-License-Identifier: ISC */
/* What is remembered of AWS's prices, what a price is made of, and what its note says. */
#include "cloud.h"
#include "scratch.h"

#define MINUTE_MS (60 * (int64_t)1000)
#define DAY_S (24 * 3600)

/* --- what is remembered --- */

struct aws {
    struct mir_clock clock;
    int64_t boot_ms;
    unsigned asked;
    enum mir_kind kind; /* MIR_OK: it says a price */
};

static int64_t boot_ms(void *ctx)
{
    return ((struct aws *)ctx)->boot_ms;
}

static int64_t utc_ms(void *ctx)
{
    return 1796000000000 + ((struct aws *)ctx)->boot_ms;
}

static int answer(void *ctx, const char *region, const char *type, int64_t *ret_micro_usd,
                  struct mir_error *err)
{
    struct aws *aws = ctx;
    aws->asked++;
    if (aws->kind != MIR_OK)
        return mir_fail(err, aws->kind, "no");
    *ret_micro_usd = (int64_t)strlen(region) * 1000 + (int64_t)strlen(type);
    return 0;
}

static struct cloud_hour find(struct cloud_prices *prices, struct aws *aws, const char *region,
                              const char *type)
{
    struct cloud_hour hour;
    aws->clock = (struct mir_clock){.boot_ms = boot_ms, .utc_ms = utc_ms, .ctx = aws};
    cloud_prices_find(prices, &aws->clock, answer, aws, region, type, &hour);
    return hour;
}

static void test_a_day(void **state)
{
    struct cloud_prices prices;
    struct aws aws = {.kind = MIR_OK};
    (void)state;
    cloud_prices_init(&prices);
    struct cloud_hour hour = find(&prices, &aws, "us-east-1", "t3.nano");
    assert_int_equal(hour.word, CLOUD_PRICE_KNOWN);
    assert_int_equal(hour.micro_usd, 9007);
    assert_string_equal(hour.date, "2026-11-30");
    aws.boot_ms = (int64_t)DAY_S * 1000 - 1;
    assert_int_equal(find(&prices, &aws, "us-east-1", "t3.nano").micro_usd, 9007);
    assert_int_equal(aws.asked, 1);
    assert_int_equal(find(&prices, &aws, "us-east-1", "t3.large").micro_usd, 9008);
    assert_int_equal(find(&prices, &aws, "eu-west-1b", "t3.nano").micro_usd, 10007);
    assert_int_equal(aws.asked, 3);
    aws.boot_ms++;
    assert_string_equal(find(&prices, &aws, "us-east-1", "t3.nano").date, "2026-12-01");
    assert_int_equal(aws.asked, 4);
    cloud_prices_clear(&prices);
}

/* What came of it, and that it is not asked for again and again. */
static void test_no_answer(void **state)
{
    static const struct {
        enum mir_kind kind;
        enum cloud_price_word word;
    } rows[] = {
        {MIR_CREDENTIALS, CLOUD_PRICE_REFUSED},   {MIR_POLICY, CLOUD_PRICE_REFUSED},
        {MIR_TIMEOUT, CLOUD_PRICE_UNREACHABLE},   {MIR_UNAVAILABLE, CLOUD_PRICE_UNREACHABLE},
        {MIR_THROTTLED, CLOUD_PRICE_UNREACHABLE}, {MIR_CORRUPT, CLOUD_PRICE_UNREADABLE},
        {MIR_NOT_FOUND, CLOUD_PRICE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct cloud_prices prices;
        struct aws aws = {.kind = rows[i].kind};
        cloud_prices_init(&prices);
        assert_int_equal(find(&prices, &aws, "us-east-1", "t3.nano").word, rows[i].word);
        aws.kind = MIR_OK;
        aws.boot_ms = 10 * MINUTE_MS - 1;
        assert_int_equal(find(&prices, &aws, "us-east-1", "t3.nano").word, rows[i].word);
        assert_int_equal(aws.asked, 1);
        aws.boot_ms++;
        assert_int_equal(find(&prices, &aws, "us-east-1", "t3.nano").word, CLOUD_PRICE_KNOWN);
        cloud_prices_clear(&prices);
    }
}

/* However many types are asked for, so many are remembered, and the newest are among them. */
static void test_many(void **state)
{
    struct cloud_prices prices;
    struct aws aws = {.kind = MIR_OK};
    char type[MIR_PLACE_TEXT];
    (void)state;
    cloud_prices_init(&prices);
    for (unsigned i = 0; i < 3 * CLOUD_PRICES_MAX; i++) {
        aws.boot_ms++;
        snprintf(type, sizeof type, "t3.n%u", i);
        find(&prices, &aws, "us-east-1", type);
    }
    assert_int_equal(prices.count, CLOUD_PRICES_MAX);
    aws.asked = 0;
    for (unsigned i = 2 * CLOUD_PRICES_MAX; i < 3 * CLOUD_PRICES_MAX; i++) {
        snprintf(type, sizeof type, "t3.n%u", i);
        find(&prices, &aws, "us-east-1", type);
    }
    assert_int_equal(aws.asked, 0);
    cloud_prices_clear(&prices);
}

/* --- what is made of it --- */

#define DISK_MICRO (110 + 69) /* of a GiB of disk and of snapshot for an hour, rounded up */

static void test_price(void **state)
{
    static const struct {
        const char *type, *region;
        bool ipv6_only, spot;
        struct cloud_hour hour;
        bool known;
        int64_t micro;
        const char *date, *note;
    } rows[] = {
        {"t3.nano",
         "us-east-1",
         false,
         false,
         {CLOUD_PRICE_KNOWN, 5100, "2026-11-30"},
         true,
         5100 + 5000 + DISK_MICRO,
         "2026-11-30",
         "machine as AWS says; estimate: IPv4 address, 1 GiB of disk and snapshot"},
        {"t3.nano",
         "us-east-1",
         false,
         false,
         {CLOUD_PRICE_REFUSED, 0, ""},
         true,
         5200 + 5000 + DISK_MICRO,
         "2026-08-02",
         "estimate (AWS: refused): machine, IPv4 address, 1 GiB of disk and snapshot"},
        {"t3.nano",
         "eu-central-1",
         true,
         true,
         {CLOUD_PRICE_UNREACHABLE, 0, ""},
         true,
         2 * (5200 + DISK_MICRO),
         "2026-08-02",
         "estimate (AWS: silent): machine, 1 GiB of disk and snapshot; twice that of us-east-1; "
         "spot costs less"},
        /* AWS's price is the region's own; what is only estimated counts twice. */
        {"m7i.large",
         "eu-central-1",
         true,
         false,
         {CLOUD_PRICE_KNOWN, 120000, "2026-11-30"},
         true,
         120000 + 2 * DISK_MICRO,
         "2026-11-30",
         "machine as AWS says; estimate: 1 GiB of disk and snapshot; twice that of us-east-1"},
        {"m7i.large",
         "us-east-1",
         false,
         false,
         {CLOUD_PRICE_UNREADABLE, 0, ""},
         false,
         0,
         "",
         "the price of m7i.large is not in the table; AWS: not readable"},
        /* A price of nothing is one, too. */
        {"t3.nano",
         "us-east-1",
         true,
         false,
         {CLOUD_PRICE_KNOWN, 0, "2026-11-30"},
         true,
         DISK_MICRO,
         "2026-11-30",
         "machine as AWS says; estimate: 1 GiB of disk and snapshot"},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel kernel = {.unpacked_bytes = 1000};
        struct mir_place place = {.ipv6_only = rows[i].ipv6_only, .spot = rows[i].spot};
        struct ec2_machine machine;
        struct mir_price price;
        mir_copy(place.region, sizeof place.region, rows[i].region);
        assert_int_equal(ec2_machine_named(rows[i].type, &machine, NULL), 0);
        cloud_price(&kernel, &machine, &place, CLOUD_BY_EBS, &rows[i].hour, &price);
        assert_int_equal(price.known, rows[i].known);
        assert_int_equal(price.per_hour_micro, rows[i].micro);
        assert_string_equal(price.date, rows[i].date);
        assert_string_equal(price.note, rows[i].note);
    }
}

/* The longest note is whole. */
static void test_note_fits(void **state)
{
    struct mir_kernel kernel = {.unpacked_bytes = (uint64_t)16384 << 30,
                                .format = MIR_FORMAT_DISK_QCOW2};
    struct mir_place place = {.spot = true, .region = "ap-southeast-4"};
    struct cloud_hour hour = {.word = CLOUD_PRICE_UNREADABLE};
    struct ec2_machine machine;
    struct mir_price price;
    const char *end = "; twice that of us-east-1; spot costs less";
    (void)state;
    assert_int_equal(ec2_machine_named("t3.nano", &machine, NULL), 0);
    cloud_price(&kernel, &machine, &place, CLOUD_BY_EBS, &hour, &price);
    assert_true(strlen(price.note) > strlen(end));
    assert_string_equal(price.note + strlen(price.note) - strlen(end), end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day), cmocka_unit_test(test_no_answer), cmocka_unit_test(test_many),
        cmocka_unit_test(test_price), cmocka_unit_test(test_note_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
