/* SPDX-License-Identifier: ISC */
#include "daemon/badge.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/markup.h"

#define LABEL "unikernel"
#define LABEL_COLOR "#454d57"

struct message_row {
    const char *message;
    const char *color; /* at least 4.5:1 under white text */
    bool is_error;
};

static const struct message_row messages[MIRD_SITE_STATE_COUNT] = {
    [MIRD_SITE_CLAIMED] = {"claimed", "#66707c", false},
    [MIRD_SITE_VERIFIED] = {"verified", "#1b62b8", false},
    [MIRD_SITE_LIVE] = {"live", "#23803a", false},
    [MIRD_SITE_DEGRADED] = {"degraded", "#966000", false},
    [MIRD_SITE_DOWN] = {"down", "#c4302b", true},
    [MIRD_SITE_GONE] = {"gone", "#66707c", false},
};

static const struct message_row nobody = {"unknown", "#66707c", true};

static const char *const style_names[MIRD_BADGE_STYLE_COUNT] = {
    [MIRD_BADGE_FLAT] = "flat",
    [MIRD_BADGE_FLAT_SQUARE] = "flat-square",
    [MIRD_BADGE_FOR_THE_BADGE] = "for-the-badge",
};

enum mird_badge_style mird_badge_style(const char *name)
{
    for (int i = 0; name && i < MIRD_BADGE_STYLE_COUNT; i++)
        if (!strcmp(style_names[i], name))
            return (enum mird_badge_style)i;
    return MIRD_BADGE_FLAT;
}

static const char *verified_words(const struct mird_site *site)
{
    if (!strcmp(site->verified_by, "launched"))
        return ", launched by this registry's daemon";
    if (!strcmp(site->verified_by, "token"))
        return ", ownership proven by token";
    return ", not verified";
}

void mird_badge_of(const struct mird_site *site, struct mird_badge *ret)
{
    const struct message_row *row = &nobody;
    if (site && (unsigned)site->state < MIRD_SITE_STATE_COUNT)
        row = &messages[site->state];
    *ret = (struct mird_badge){LABEL, row->message, row->color, "", row->is_error};
    if (site)
        snprintf(ret->title, sizeof ret->title, "%s %s: %s%s", LABEL, site->name, row->message,
                 verified_words(site));
    else
        snprintf(ret->title, sizeof ret->title, "%s: no site of this name", LABEL);
}

/* --- drawing --- */

/* Advance widths of U+0020..U+007E in tenths of a pixel at 11 px, as the fonts named below have
 * them (measured from DejaVu Sans, whose metrics are Verdana's). Browsers without these fonts fit
 * their own into textLength. */
static const unsigned char widths[] = {
    35, 44,  51, 92, 70, 105, 86, 30, 43, 43, 55, 92, 35, 40,  35, 37, 70, 70,  70,
    70, 70,  70, 70, 70, 70,  70, 37, 37, 92, 92, 92, 58, 110, 75, 75, 77, 85,  70,
    63, 85,  83, 32, 32, 72,  61, 95, 82, 87, 66, 87, 76, 70,  67, 81, 75, 109, 75,
    67, 75,  43, 37, 43, 92,  55, 55, 67, 70, 60, 70, 68, 39,  70, 70, 31, 31,  64,
    31, 107, 70, 67, 70, 70,  45, 57, 43, 70, 65, 90, 65, 65,  58, 70, 37, 70,  92,
};
#define WIDTH_OTHER 110

static unsigned text_width(const char *text)
{
    unsigned sum = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p >= 0x20 && *p < 0x7f)
            sum += widths[*p - 0x20];
        else if ((*p & 0xc0) != 0x80) /* one per character, not per byte */
            sum += WIDTH_OTHER;
    }
    return sum;
}

static unsigned text_count(const char *text)
{
    unsigned count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* One look: all lengths in tenths of a pixel. */
struct look {
    unsigned height, radius, pad, baseline, font, spacing;
    bool shine, shadow, capitals;
};

static const struct look looks[MIRD_BADGE_STYLE_COUNT] = {
    [MIRD_BADGE_FLAT] = {200, 30, 55, 140, 110, 0, true, true, false},
    [MIRD_BADGE_FLAT_SQUARE] = {200, 0, 55, 140, 110, 0, false, false, false},
    [MIRD_BADGE_FOR_THE_BADGE] = {280, 0, 105, 180, 100, 12, false, false, true},
};

struct half {
    char text[80];
    unsigned text_len; /* tenths of a pixel */
    unsigned width;    /* whole pixels */
};

static void lay_out(const struct look *look, const char *text, struct half *ret)
{
    mir_copy(ret->text, sizeof ret->text, text);
    for (char *p = ret->text; look->capitals && *p; p++)
        *p = (char)toupper((unsigned char)*p);
    ret->text_len =
        text_width(ret->text) * look->font / 110 + text_count(ret->text) * look->spacing;
    ret->width = (ret->text_len + 2 * look->pad + 9) / 10;
}

static void draw_text(struct mir_buf *out, const struct look *look, const struct half *half,
                      unsigned left, const char *weight)
{
    unsigned middle = left * 10 + half->width * 5;
    for (int pass = look->shadow ? 0 : 1; pass < 2; pass++) {
        unsigned y = look->baseline + (pass == 0 ? 10 : 0);
        mir_buf_addf(out, "<text x=\"%u.%u\" y=\"%u\" textLength=\"%u.%u\"%s%s>", middle / 10,
                     middle % 10, y / 10, half->text_len / 10, half->text_len % 10, weight,
                     pass == 0 ? " aria-hidden=\"true\" fill=\"#000\" fill-opacity=\".3\"" : "");
        mird_markup_text(out, half->text);
        mir_buf_adds(out, "</text>");
    }
}

static void draw_shapes(struct mir_buf *out, const struct look *look, unsigned left, unsigned right,
                        const char *color)
{
    unsigned height = look->height / 10, all = left + right;
    if (look->shine)
        mir_buf_adds(out, "<linearGradient id=\"s\" x2=\"0\" y2=\"100%\">"
                          "<stop offset=\"0\" stop-color=\"#fff\" stop-opacity=\".12\"/>"
                          "<stop offset=\"1\" stop-opacity=\".12\"/></linearGradient>");
    if (look->radius)
        mir_buf_addf(out,
                     "<clipPath id=\"r\"><rect width=\"%u\" height=\"%u\" rx=\"%u\"/></clipPath>",
                     all, height, look->radius / 10);
    mir_buf_adds(out, look->radius ? "<g clip-path=\"url(#r)\">" : "<g>");
    mir_buf_addf(out, "<rect width=\"%u\" height=\"%u\" fill=\"" LABEL_COLOR "\"/>", left, height);
    mir_buf_addf(out, "<rect x=\"%u\" width=\"%u\" height=\"%u\" fill=\"", left, right, height);
    mird_markup(out, "", color, "\"/>", NULL);
    if (look->shine)
        mir_buf_addf(out, "<rect width=\"%u\" height=\"%u\" fill=\"url(#s)\"/>", all, height);
    mir_buf_adds(out, "</g>");
}

int mird_badge_svg(const struct mird_badge *badge, enum mird_badge_style style, struct mir_buf *out)
{
    const struct look *look = &looks[style];
    struct half left, right;
    lay_out(look, badge->label, &left);
    lay_out(look, badge->message, &right);
    mir_buf_addf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" role=\"img\" "
        "aria-label=\"",
        left.width + right.width, look->height / 10);
    mird_markup(out, "", badge->label, ": ", badge->message, "\"><title>", badge->title, "</title>",
                NULL);
    draw_shapes(out, look, left.width, right.width, badge->color);
    mir_buf_addf(out,
                 "<g fill=\"#fff\" text-anchor=\"middle\" font-size=\"%u\" "
                 "font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" "
                 "text-rendering=\"geometricPrecision\">",
                 look->font / 10);
    draw_text(out, look, &left, 0, "");
    draw_text(out, look, &right, left.width, look->capitals ? " font-weight=\"bold\"" : "");
    mir_buf_adds(out, "</g></svg>\n");
    return out->full ? -1 : 0;
}

json_t *mird_badge_json(const struct mird_badge *badge)
{
    json_t *o = json_object();
    json_object_set_new(o, "schemaVersion", json_integer(1));
    json_object_set_new(o, "label", json_string(badge->label));
    json_object_set_new(o, "message", json_string(badge->message));
    json_object_set_new(o, "color", json_string(badge->color));
    json_object_set_new(o, "labelColor", json_string(LABEL_COLOR));
    json_object_set_new(o, "isError", json_boolean(badge->is_error));
    json_object_set_new(o, "cacheSeconds", json_integer(60));
    return o;
}
