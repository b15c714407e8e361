/* SPDX-License-Identifier: ISC */
#include "tender.h"

#include <fcntl.h>
#include <stdio.h>
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

/* A kernel for hvt needs a carrier that is asked for, so that one may be missing without a word. */
void mird_tender_check(const struct mir_config *config, struct mir_check *ret)
{
    struct mir_error err = {0};
    mir_auto_free char *spt = NULL;
    mir_auto_free char *hvt = NULL;
    int rc = mird_tender_find(config, MIR_FORMAT_SOLO5_SPT, &spt, &err);
    (void)mird_tender_find(config, MIR_FORMAT_SOLO5_HVT, &hvt, NULL);
    *ret =
        (struct mir_check){.name = "Solo5 carrier", .level = rc ? MIR_CHECK_WARN : MIR_CHECK_PASS};
    mir_auto_free char *detail =
        rc ? mir_strdup(err.text)
           : mir_format("solo5-spt: %s, solo5-hvt: %s", spt, hvt ? hvt : "none");
    mir_copy(ret->detail, sizeof ret->detail, detail);
    mir_auto_free char *fix = mir_format("only for spt kernels: %s", err.hint);
    mir_copy(ret->fix, sizeof ret->fix, rc ? fix : "");
}
