if (context.rows.push(msg) >= 500) context.flush();
return null;
