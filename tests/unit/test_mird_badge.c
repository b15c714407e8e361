/* SPDX-License-Identifier: ISC */
/* Badges: what they say, that they are well-formed whatever the texts, and that they can be read.
 */
#include "scratch.h"

#include <math.h>

#include "api/buf.h"
#include "api/json.h"
#include "daemon/badge.h"
#include "well_formed.h"

static char *draw(const struct mird_badge *badge, enum mird_badge_style style)
{
    struct mir_buf out;
    mir_buf_init(&out, 8192);
    assert_int_equal(mird_badge_svg(badge, style, &out), 0);
    return mir_buf_take(&out);
}

static void test_each_state_says_its_word(void **state)
{
    for (int i = 0; i < MIRD_SITE_STATE_COUNT; i++) {
        struct mird_site site = {.name = "hello", .state = (enum mird_site_state)i};
        struct mird_badge badge;
        mird_badge_of(&site, &badge);
        const char *word = mird_site_state_name(site.state);
        assert_string_equal(badge.message, word);
        mir_auto_free char *svg = draw(&badge, MIRD_BADGE_FLAT);
        mir_auto_free char *label = mir_format("aria-label=\"unikernel: %s\"", word);
        mir_auto_free char *text = mir_format(">%s</text>", word);
        assert_non_null(strstr(svg, label));
        assert_non_null(strstr(svg, text));
        assert_non_null(strstr(svg, "role=\"img\""));
        assert_non_null(strstr(svg, "<title>unikernel hello: "));
        assert_non_null(strstr(svg, "height=\"20\""));
    }
}

static void test_title_tells_how_it_is_known(void **state)
{
    struct mird_badge badge;
    struct mird_site site = {.name = "a", .state = MIRD_SITE_LIVE, .verified_by = "launched"};
    mird_badge_of(&site, &badge);
    assert_non_null(strstr(badge.title, "launched"));
    mir_copy(site.verified_by, sizeof site.verified_by, "token");
    mird_badge_of(&site, &badge);
    assert_non_null(strstr(badge.title, "ownership proven"));
    mird_badge_of(NULL, &badge);
    assert_string_equal(badge.message, "unknown");
    assert_true(badge.is_error);
}

static void test_styles(void **state)
{
    assert_int_equal(mird_badge_style("flat"), MIRD_BADGE_FLAT);
    assert_int_equal(mird_badge_style("flat-square"), MIRD_BADGE_FLAT_SQUARE);
    assert_int_equal(mird_badge_style("for-the-badge"), MIRD_BADGE_FOR_THE_BADGE);
    assert_int_equal(mird_badge_style("plastic"), MIRD_BADGE_FLAT);
    assert_int_equal(mird_badge_style(NULL), MIRD_BADGE_FLAT);
    struct mird_badge badge;
    mird_badge_of(NULL, &badge);
    mir_auto_free char *flat = draw(&badge, MIRD_BADGE_FLAT);
    mir_auto_free char *square = draw(&badge, MIRD_BADGE_FLAT_SQUARE);
    mir_auto_free char *large = draw(&badge, MIRD_BADGE_FOR_THE_BADGE);
    assert_non_null(strstr(flat, "rx=\"3\""));
    assert_null(strstr(square, "rx="));
    assert_non_null(strstr(large, "height=\"28\""));
    assert_non_null(strstr(large, ">UNKNOWN</text>"));
}

static double channel(unsigned value)
{
    double v = value / 255.0;
    return v <= 0.03928 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* WCAG 2: 4.5 to 1 for text of this size. */
static void test_white_text_reads_on_every_color(void **state)
{
    for (int i = -1; i < MIRD_SITE_STATE_COUNT; i++) {
        struct mird_site site = {.state = (enum mird_site_state)(i < 0 ? 0 : i)};
        struct mird_badge badge;
        mird_badge_of(i < 0 ? NULL : &site, &badge);
        unsigned r, g, b;
        assert_int_equal(sscanf(badge.color, "#%2x%2x%2x", &r, &g, &b), 3);
        double light = 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
        assert_true(1.05 / (light + 0.05) >= 4.5);
    }
}

static void test_no_script_no_outside(void **state)
{
    struct mird_site site = {.name = "x", .state = MIRD_SITE_LIVE};
    struct mird_badge badge;
    mird_badge_of(&site, &badge);
    mir_auto_free char *svg = draw(&badge, MIRD_BADGE_FLAT);
    assert_null(strstr(svg, "<script"));
    assert_null(strstr(svg, "href"));
    char *first = strstr(svg, "http"); /* only the name space */
    assert_non_null(first);
    assert_null(strstr(first + 4, "http"));
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

static void test_hostile_texts(void **state)
{
    NEED_LIBXML();
    unsigned seed = 1;
    for (int i = 0; i < 3000; i++) {
        char label[65], message[65];
        struct mird_badge badge = {label, message, "#23803a", "", false};
        hostile_text(&seed, label, 64);
        hostile_text(&seed, message, 64);
        hostile_text(&seed, badge.title, sizeof badge.title - 1);
        enum mird_badge_style style = (enum mird_badge_style)(i % MIRD_BADGE_STYLE_COUNT);
        mir_auto_free char *svg = draw(&badge, style);
        if (!well_formed(svg, strlen(svg)))
            fail_msg("round %d: not well-formed: %s", i, svg);
        assert_int_equal(count_of(svg, "<title>"), 1);
        assert_int_equal(count_of(svg, "<text "), style == MIRD_BADGE_FLAT ? 4 : 2);
        assert_true(strlen(svg) < 4096);
    }
}

static void test_shields_document(void **state)
{
    struct mird_site site = {.name = "x", .state = MIRD_SITE_DOWN};
    struct mird_badge badge;
    mird_badge_of(&site, &badge);
    json_t *json = mird_badge_json(&badge);
    assert_int_equal(json_integer_value(json_object_get(json, "schemaVersion")), 1);
    assert_string_equal(json_string_value(json_object_get(json, "label")), "unikernel");
    assert_string_equal(json_string_value(json_object_get(json, "message")), "down");
    assert_true(json_is_true(json_object_get(json, "isError")));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_says_its_word),
        cmocka_unit_test(test_title_tells_how_it_is_known),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_white_text_reads_on_every_color),
        cmocka_unit_test(test_no_script_no_outside),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_shields_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
