/* SPDX-License-Identifier: ISC */
#include "unpause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HYPERVISOR_DOMCTL 36
#define DOMCTL_UNPAUSE 4
/*
 * The interface is between Xen and tools of the same release, so Xen refuses (EACCES) whoever names
 * another edition than its own, before it looks at anything else. The command and what stands
 * before its operands have been the same in all of them: so the editions can be tried, from that of
 * Xen 4.10 to some that are not there yet.
 */
#define EDITION_FIRST 0x0f
#define EDITION_LAST 0x20

struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};
#define PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct domctl {
    uint32_t command;
    uint32_t edition;
    uint16_t domain;
    uint16_t nothing[3];
    uint64_t operands[16];
};

static int ask(int fd, struct domctl *domctl)
{
    struct privcmd_hypercall call = {.op = HYPERVISOR_DOMCTL, .arg = {(uintptr_t)domctl}};
    int result = -1;

    for (uint32_t edition = EDITION_FIRST; edition <= EDITION_LAST; edition++) {
        domctl->edition = edition;
        result = ioctl(fd, PRIVCMD_HYPERCALL, &call);
        if (result == 0 || errno != EACCES)
            break;
    }
    return result;
}

/* Xen reads the page itself, so it has to be there and to stay. */
int car_domain_unpause(int domain)
{
    struct domctl *domctl;
    int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    int result;
    int error;

    if (fd < 0)
        return -1;
    domctl = mmap(NULL, sizeof(*domctl), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (domctl == MAP_FAILED) {
        close(fd);
        return -1;
    }
    *domctl = (struct domctl){.command = DOMCTL_UNPAUSE, .domain = (uint16_t)domain};
    result = ask(fd, domctl);
    error = errno;
    (void)munmap(domctl, sizeof(*domctl));
    close(fd);
    errno = error;
    return result;
}
