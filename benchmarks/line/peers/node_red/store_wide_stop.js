context.close();
