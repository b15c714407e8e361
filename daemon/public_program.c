/* SPDX-License-Identifier: ISC */
/* mirage-public: the public process, started by mirage-deployd (public_link.h) and by nobody else.
 */
#include <stdio.h>

#include "api/scarce.h"
#include "daemon/public_link.h"
#include "start.h"

int main(int argc, char **argv)
{
    struct mird_options options;
    struct mir_error err = {0};
    mir_scarce_memory_ends();
    mir_scarce_crypto_ends();
    if (!mird_options_read(argc, argv, &options, &err) && options.public_fd >= 0)
        return mird_public_main(options.public_fd, options.public_at);
    fprintf(stderr, "mirage-public: %s\n",
            err.text[0] ? err.text : "started by mirage-deployd, not by hand");
    return mir_kind_info(MIR_USAGE)->exit_code;
}
