/* SPDX-License-Identifier: ISC */
#include "apt.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "api/child.h"
#include "api/file.h"
#include "api/memory.h"

#define SHOWN_MAX ((size_t)16 << 20)
#define NAMES_MAX 150 /* in one command */
#define WORDS_MAX 200

int img_apt_init(struct img_apt *apt, const char *folder, struct mir_error *err)
{
    mir_auto_free char *status = mir_format("%s/status", folder);
    if (mir_dir_make(folder, 0755, err) || mir_file_write_at(AT_FDCWD, status, "", 0, 0644, err))
        return -1;
    *apt = (struct img_apt){.folder = mir_strdup(folder)};
    return 0;
}

void img_apt_clear(struct img_apt *apt)
{
    free(apt->folder);
    *apt = (struct img_apt){0};
}

/* The words of one command, owned. */
struct words {
    char *list[WORDS_MAX];
    size_t count;
};

static void clear_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
    words->count = 0;
}
#define auto_words MIR_CLEANUP(clear_words)

static void add_word(struct words *words, char *word)
{
    if (words->count + 1 < WORDS_MAX)
        words->list[words->count++] = word;
    else
        free(word);
}

static void add_option(struct words *words, char *setting)
{
    add_word(words, mir_strdup("-o"));
    add_word(words, setting);
}

/* What is installed here does not matter, whatever runs as root may write where root may, and a
 * mirror that says nothing is given up. */
static void begin(const struct img_apt *apt, const char *program, struct words *words)
{
    static const char *const settings[] = {
        "APT::Architecture=amd64",   "APT::Architectures=amd64",   "APT::Sandbox::User=root",
        "Dir::Cache::pkgcache=",     "Dir::Cache::srcpkgcache=",   "Acquire::Retries=2",
        "Acquire::http::Timeout=30", "Acquire::https::Timeout=30", "APT::Update::Error-Mode=any",
        "Acquire::Languages=none",   "APT::Get::Assume-Yes=1",
    };
    add_word(words, mir_strdup(program));
    for (size_t i = 0; i < MIR_NELEMS(settings); i++)
        add_option(words, mir_strdup(settings[i]));
    if (apt->own_lists) {
        add_option(words, mir_format("Dir::State=%s", apt->folder));
        add_option(words, mir_format("Dir::Cache=%s/cache", apt->folder));
    }
    add_option(words, mir_format("Dir::State::status=%s/status", apt->folder));
}

static int run(const struct words *words, const char *folder, mir_child_take *take, void *ctx,
               struct mir_error *err)
{
    const char *list[WORDS_MAX] = {NULL};
    for (size_t i = 0; i < words->count; i++)
        list[i] = words->list[i];
    const struct mir_child child = {.words = list, .folder = folder, .take = take, .ctx = ctx};
    if (!mir_child_run(&child, err))
        return 0;
    if (err && err->kind == MIR_UNAVAILABLE)
        mir_error_hint(err, "without apt: --packages DIR, with the .deb files of Debian in it");
    return -1;
}

int img_apt_update(struct img_apt *apt, struct mir_error *err)
{
    static const char *const folders[] = {"lists/partial", "cache/archives/partial"};
    for (size_t i = 0; i < MIR_NELEMS(folders); i++) {
        mir_auto_free char *path = mir_format("%s/%s", apt->folder, folders[i]);
        if (mir_dir_make(path, 0755, err))
            return -1;
    }
    auto_words struct words words = {.count = 0};
    apt->own_lists = true;
    begin(apt, "apt-get", &words);
    add_word(&words, mir_strdup("-qq"));
    add_word(&words, mir_strdup("update"));
    if (!run(&words, NULL, NULL, NULL, err))
        return 0;
    if (err && err->kind == MIR_FAILED)
        err->kind = MIR_UNAVAILABLE;
    return -1;
}

/* --- what is said of packages --- */

static int take_text(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct mir_buf *buf = ctx;
    return mir_buf_add(buf, data, len) ? mir_fail(err, MIR_CORRUPT, "apt-cache says too much") : 0;
}

static int take_records(const struct mir_buf *text, struct img_packages *ret, struct mir_error *err)
{
    struct img_span all = {mir_buf_text(text), text->len}, record;
    while (img_control_next(&all, &record)) {
        struct img_package package;
        if (img_package_from_control(record, &package, err) || img_packages_add(ret, &package, err))
            return mir_error_wrap(err, "apt-cache");
    }
    return 0;
}

/* Names that nobody knows make it complain, or fail: what counts is what it shows. */
static int show_some(const struct img_apt *apt, const char *const *names, size_t count,
                     struct img_packages *ret, struct mir_error *err)
{
    auto_words struct words words = {.count = 0};
    mir_auto_buf struct mir_buf text;
    struct mir_error said = {0};
    mir_buf_init(&text, SHOWN_MAX);
    begin(apt, "apt-cache", &words);
    add_word(&words, mir_strdup("--no-all-versions"));
    add_word(&words, mir_strdup("show"));
    for (size_t i = 0; i < count; i++)
        add_word(&words, mir_strdup(names[i]));
    if (run(&words, NULL, take_text, &text, &said) && said.kind != MIR_FAILED) {
        if (err)
            *err = said;
        return -1;
    }
    return take_records(&text, ret, err);
}

static int show(void *ctx, const char *const *names, size_t count, struct img_packages *ret,
                struct mir_error *err)
{
    const struct img_apt *apt = ctx;
    for (size_t at = 0; at < count; at += NAMES_MAX)
        if (show_some(apt, names + at, count - at < NAMES_MAX ? count - at : NAMES_MAX, ret, err))
            return -1;
    return 0;
}

struct img_catalogue img_apt_catalogue(struct img_apt *apt)
{
    return (struct img_catalogue){.show = show, .ctx = apt};
}

/* --- packages --- */

static int download_some(const struct img_apt *apt, const struct img_package *const *packages,
                         size_t count, const char *folder, struct mir_error *err)
{
    auto_words struct words words = {.count = 0};
    begin(apt, "apt-get", &words);
    add_word(&words, mir_strdup("-qq"));
    add_word(&words, mir_strdup("download"));
    for (size_t i = 0; i < count; i++)
        add_word(&words, mir_format("%s=%s", packages[i]->name, packages[i]->version));
    return run(&words, folder, NULL, NULL, err);
}

int img_apt_download(const struct img_apt *apt, const struct img_package *const *packages,
                     size_t count, const char *folder, struct mir_error *err)
{
    for (size_t at = 0; at < count; at += NAMES_MAX)
        if (download_some(apt, packages + at, count - at < NAMES_MAX ? count - at : NAMES_MAX,
                          folder, err))
            return -1;
    return 0;
}
