/* SPDX-License-Identifier: ISC */
/* A yes or no that may also be left to AWS. */
#ifndef EC2_FLAG_H
#define EC2_FLAG_H

enum ec2_flag { EC2_UNSAID = 0, EC2_NO, EC2_YES };

#endif
