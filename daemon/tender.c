/* SPDX-License-Identifier: ISC */
#include "tender.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"

#define ELF_HEAD 20 /* up to and with e_machine */

static const struct tender {
    enum mir_format format;
    const char *name, *key;
} tenders[] = {{MIR_FORMAT_SOLO5_SPT, "solo5-spt", "solo5_spt"},
               {MIR_FORMAT_SOLO5_HVT, "solo5-hvt", "solo5_hvt"}};

static const struct tender *tender_of(enum mir_format format)
{
    for (size_t i = 0; i < MIR_NELEMS(tenders); i++)
        if (tenders[i].format == format)
            return &tenders[i];
    return NULL;
}

const char *mird_tender_name(enum mir_format format)
{
    const struct tender *tender = tender_of(format);
    return tender ? tender->name : NULL;
}

static int hint_where(const struct tender *tender, struct mir_error *err)
{
    return mir_error_hint(err,
                          "`opam install solo5` has it; put %s on the daemon's PATH and start the "
                          "daemon again, or name the file in the configuration: %s = FILE in "
                          "section [carrier]",
                          tender->name, tender->key);
}

static int refuse(const struct tender *tender, const char *path, const char *why,
                  struct mir_error *err)
{
    mir_fail(err, MIR_POLICY, "%s cannot be the tender %s: %s", path, tender->name, why);
    return hint_where(tender, err);
}

/* It is not run here, and what is wrong with it would come to light on a machine that is paid for.
 * Opened without waiting: it may be a pipe. */
static int look_at(const struct tender *tender, const char *path, struct mir_error *err)
{
    static const unsigned char ident[] = {0x7f, 'E', 'L', 'F', 2, 1}; /* 64 bits, little-endian */
    unsigned char head[ELF_HEAD];
    struct stat st;
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(tender, path, "it cannot be read", err);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return refuse(tender, path, "it is no file", err);
    if (pread(fd, head, sizeof head, 0) != sizeof head || memcmp(head, ident, sizeof ident) != 0 ||
        head[18] != 62 || head[19] != 0)
        return refuse(tender, path, "it is no ELF program for x86-64", err);
    return 0;
}

static char *search(const struct mir_config *config, const struct tender *tender,
                    struct mir_error *err)
{
    const char *said = mir_config_said(config, "carrier", tender->key);
    if (said && *said != '/') {
        mir_fail(err, MIR_POLICY, "%s under [carrier] has to be a whole path, not '%.100s'",
                 tender->key, said);
        hint_where(tender, err);
        return NULL;
    }
    if (said)
        return mir_strdup(said);
    char *found = mir_program_search(tender->name, NULL);
    if (found)
        return found;
    mir_fail(err, MIR_POLICY,
             "the carrier of a %s kernel needs the program %s, which is neither configured nor on "
             "PATH",
             mir_format_name(tender->format), tender->name);
    hint_where(tender, err);
    return NULL;
}

int mird_tender_find(const struct mir_config *config, enum mir_format format, char **ret_path,
                     struct mir_error *err)
{
    const struct tender *tender = tender_of(format);
    if (!tender)
        return mir_fail(err, MIR_INTERNAL, "no tender runs a %s kernel", mir_format_name(format));
    char *path = search(config, tender, err);
    int rc = path ? look_at(tender, path, err) : -1;
    if (rc || !ret_path)
        free(path);
    else
        *ret_path = path;
    return rc;
}

/* Who has no kernels for it lacks nothing; a file that is named and is none is wrong. Few machines
 * carry a kernel for hvt, so that one may be missing without a word. */
void mird_tender_check(const struct mir_config *config, struct mir_check *ret)
{
    struct mir_error wrong = {0}, missing = {0};
    char *paths[MIR_NELEMS(tenders)] = {NULL};
    for (size_t i = 0; i < MIR_NELEMS(tenders); i++) {
        struct mir_error err = {0};
        if (!mird_tender_find(config, tenders[i].format, &paths[i], &err))
            continue;
        if (mir_config_said(config, "carrier", tenders[i].key))
            wrong = err;
        else if (tenders[i].format == MIR_FORMAT_SOLO5_SPT)
            missing = err;
    }
    const struct mir_error *says = wrong.kind != MIR_OK ? &wrong : &missing;
    mir_auto_free char *found =
        mir_format("%s: %s, %s: %s", tenders[0].name, paths[0] ? paths[0] : "none", tenders[1].name,
                   paths[1] ? paths[1] : "none");
    mir_auto_free char *fix = mir_format("only for Solo5's kernels: %s", says->hint);
    *ret = (struct mir_check){.name = "Solo5 carrier",
                              .level = says == &wrong ? MIR_CHECK_WARN : MIR_CHECK_PASS};
    mir_copy(ret->detail, sizeof ret->detail, says->kind != MIR_OK ? says->text : found);
    mir_copy(ret->fix, sizeof ret->fix, says->kind != MIR_OK ? fix : "");
    for (size_t i = 0; i < MIR_NELEMS(tenders); i++)
        free(paths[i]);
}
