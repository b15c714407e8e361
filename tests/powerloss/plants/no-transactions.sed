s/"BEGIN IMMEDIATE", err, ""/"PRAGMA query_only = OFF", err, ""/
s/"COMMIT", err, ""/"PRAGMA query_only=OFF", err, ""/
