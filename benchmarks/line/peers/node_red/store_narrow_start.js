// One row a reading, 500 rows a transaction; what is left over is written after a second.
const { DatabaseSync } = global.get("sqlite");
const database = new DatabaseSync(global.get("database"));
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
database.exec("TABLE");
const insert = database.prepare("INSERT INTO readings VALUES (?, ?, ?, ?)");
const rows = [];
const flush = () => {
    if (rows.length === 0) return;
    database.exec("BEGIN");
    for (const [device, point, ts, value] of rows) insert.run(device, point, ts, value);
    database.exec("COMMIT");
    rows.length = 0;
};
context.rows = rows;
context.flush = flush;
context.timer = setInterval(flush, 1000);
context.close = () => { clearInterval(context.timer); flush(); database.close(); };
