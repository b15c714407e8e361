/* SPDX-License-Identifier: ISC */
/* A yes or no that may also be left to AWS. */
#ifndef API_FLAG_H
#define API_FLAG_H

enum mir_flag { MIR_UNSAID = 0, MIR_NO, MIR_YES };

#endif
