// One row a message with its four values, 500 rows a transaction; what is left over is written after a second.
const { DatabaseSync } = global.get("sqlite");
const database = new DatabaseSync(global.get("database"));
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
database.exec("TABLE");
const insert = database.prepare("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?)");
const rows = [];
const flush = () => {
    if (rows.length === 0) return;
    database.exec("BEGIN");
    for (const { device, reading } of rows) {
        const v = reading.values;
        insert.run(device, reading.ts, v.supply_temp_c, v.return_temp_c, v.pressure_kpa, v.vibration_mm_s);
    }
    database.exec("COMMIT");
    rows.length = 0;
};
context.rows = rows;
context.flush = flush;
context.timer = setInterval(flush, 1000);
context.close = () => { clearInterval(context.timer); flush(); database.close(); };
